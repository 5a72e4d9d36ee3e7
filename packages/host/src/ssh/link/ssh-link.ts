import { unlessAborted } from '../../abort.ts';
import type { Connection } from '../connection/connection.ts';
import { type ConnectionsOptions, createConnections, READY_SHELLS } from './connections.ts';
import type { ControlShell } from './control-shell.ts';
import type { Guard } from './guard.ts';
import { WAITING_SHELL } from './host-shell.ts';
import type { LiveConnection } from './live-connection.ts';
import { letGoOf, type Session, type Terminal } from './ssh-session.ts';

/** A session, and what looks after it on the host. */
export interface GuardedSession {
  readonly session: Session;
  readonly guard: Guard;
}

export interface SessionOptions {
  readonly signal?: AbortSignal;
}

/** What there is to run commands with on a host, over whichever of its connections. */
export interface SshLink {
  /** Aborts when the host is gone for good, with the `HostError` as its reason. */
  readonly lost: AbortSignal;
  /** For how long a host that cannot be reached is tried again. */
  readonly reconnectForMs: number;
  /** How long the host may take to answer. */
  readonly answerWithinMs: number;
  /** A connection that is not closed for being idle; waits, with a deadline, while there is none. */
  connection(signal?: AbortSignal): Promise<Connection>;
  /** A waiting shell (see `WAITING_SHELL`). Waits, with a deadline, where all connections are full. */
  shell(options: SessionOptions): Promise<GuardedSession>;
  /** Runs a line in the user's login shell, in a terminal. */
  terminal(line: string, options: SessionOptions & { readonly terminal: Terminal }): Promise<GuardedSession>;
  /** A shell for file operations. */
  control(): Promise<ControlShell>;
  close(): void;
}

/** A session that is being opened. */
interface Opening {
  readonly on: LiveConnection;
  /** `undefined` when the host has no room for it after all. */
  readonly opening: Promise<Session | undefined>;
}

const MAX_CONTROL_SHELLS = 3;
/** A control shell that has been at one script for so long is not waited for, if there can be another. */
const SLOW_SCRIPT_MS = 200;

export function createSshLink(first: Connection, options: ConnectionsOptions): SshLink {
  const connections = createConnections(first, options);
  const { live, lost, whenThere, withRoom } = connections;
  let controls: ControlShell[] = [];

  const takeReady = (): GuardedSession | undefined => {
    for (const one of live) {
      const session = one.takeReady();
      if (session === undefined) continue;
      one.keepReady(READY_SHELLS);
      return { session, guard: one.guard };
    }
    return undefined;
  };
  const openOn = async (
    line: string,
    options: SessionOptions & { readonly terminal?: Terminal },
  ): Promise<GuardedSession> => {
    const { signal, terminal } = options;
    // The place is taken as soon as it is seen: all who wait look at it.
    const begin = (): Opening | undefined => {
      const on = withRoom();
      return on && { on, opening: on.open(line, terminal) };
    };
    for (;;) {
      const found = await whenThere(signal, () =>
        line === WAITING_SHELL ? (takeReady() ?? begin()) : begin(),
      );
      if ('session' in found) return found;
      const { on } = found;
      const opening = found.opening.catch((failure: unknown) => {
        // It broke under us, and nothing was said yet: the next one will do.
        if (on.connection.lost.aborted) return undefined;
        throw failure;
      });
      const undo = (late: Session | undefined): void => late && letGoOf(late);
      const session = await unlessAborted(opening, signal, { attempt: 'open a session', undo });
      on.keepReady(READY_SHELLS);
      if (session !== undefined) return { session, guard: on.guard };
    }
  };
  const control = async (): Promise<ControlShell> => {
    controls = controls.filter((one) => one.isOpen);
    const calm = controls.toSorted((a, b) => a.pending - b.pending)[0];
    const hasTime = calm !== undefined && (calm.pending === 0 || calm.busyMs < SLOW_SCRIPT_MS);
    if (hasTime || (calm !== undefined && controls.length === MAX_CONTROL_SHELLS)) return calm;
    // The place is taken as soon as it is seen, and one shell does for all who have waited for a connection.
    const take = (one: LiveConnection | undefined): ControlShell | undefined => {
      const opened = one?.openControl();
      if (opened !== undefined) controls.push(opened);
      return opened;
    };
    if (calm !== undefined) return take(live.find((other) => other.hasRoom())) ?? calm;
    return await whenThere(undefined, () => controls.find(({ isOpen }) => isOpen) ?? take(withRoom()));
  };
  return {
    lost,
    reconnectForMs: options.reconnectForMs,
    answerWithinMs: options.operationTimeoutMs,
    connection: async (signal) => await whenThere(signal, () => live[0]?.connection),
    shell: (wanted) => openOn(WAITING_SHELL, wanted),
    terminal: openOn,
    control,
    close: connections.close,
  };
}
