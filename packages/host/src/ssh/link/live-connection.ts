import { HostError } from '../../host-error.ts';
import type { Connection } from '../connection/connection.ts';
import { type ControlShell, createControlShell } from './control-shell.ts';
import { createGuard, type Guard } from './guard.ts';
import { WAITING_SHELL } from './host-shell.ts';
import { letGoOf, openSession, type Session, type Terminal } from './ssh-session.ts';

/** OpenSSH's `MaxSessions` is 10 unless the host says otherwise; where it is less, the host refuses and the place counts as taken. */
const SESSIONS_PER_CONNECTION = 10;
/** SSH_OPEN_CONNECT_FAILED of RFC 4254, which OpenSSH gives when it has no session left. */
const REFUSED_FOR_NOW = 2;
/** sshd may refuse a session in the place of one that has just been closed: it lets go of that a moment later. */
const LATE_RELEASE_MS = 100;

/** A connection that is up, and the sessions over it. */
export interface LiveConnection {
  readonly connection: Connection;
  /** How many sessions somebody uses. Those that are kept ready, and the connection's own, do not count. */
  readonly inUse: number;
  /** Whether a shell of its own has not answered yet. */
  readonly isAsked: boolean;
  hasRoom(): boolean;
  /** Runs a line in the user's login shell. `undefined` when the host has no room left on this connection. */
  open(line: string, terminal?: Terminal): Promise<Session | undefined>;
  /** A waiting shell (see `WAITING_SHELL`) that was kept ready. */
  takeReady(): Session | undefined;
  /** Opens waiting shells in the background until so many are ready, as far as there is room. */
  keepReady(count: number): void;
  /** Gives up one that is kept ready, for its place. Whether there was one. */
  dropReady(): boolean;
  openControl(): ControlShell;
  readonly guard: Guard;
  close(): void;
}

export interface LiveConnectionOptions {
  readonly onFreed: () => void;
  /** How long the host may take to open a session, and to answer what is asked in it. */
  readonly answerWithinMs: number;
}

export function createLiveConnection(
  connection: Connection,
  { onFreed, answerWithinMs }: LiveConnectionOptions,
): LiveConnection {
  const ready: Session[] = [];
  let controls: ControlShell[] = [];
  let taken = 0;
  let inUse = 0;
  let capacity = SESSIONS_PER_CONNECTION;
  /** How many are open, and the most that the host has had open at once. */
  let [openNow, proven] = [0, 0];
  let warming = 0;

  const shrink = (): void => {
    capacity = Math.max(1, Math.min(capacity, taken - 1));
    if (capacity >= proven) return;
    const restore = (): void => {
      capacity = Math.max(capacity, proven);
      onFreed();
    };
    setTimeout(restore, LATE_RELEASE_MS).unref();
  };

  const occupy = async (line: string, terminal?: Terminal): Promise<Session | undefined> => {
    taken += 1;
    const release = (): void => {
      taken -= 1;
      onFreed();
    };
    try {
      const session = await openSession(connection, line, { terminal, withinMs: answerWithinMs });
      openNow += 1;
      proven = Math.max(proven, openNow);
      session.channel.once('close', () => {
        openNow -= 1;
        release();
      });
      return session;
    } catch (failure) {
      if (isRefusal(failure)) shrink();
      release();
      if (isRefusal(failure) && taken > 0) return undefined;
      throw failure instanceof HostError ? failure : refused(failure);
    }
  };
  const lend = (session: Session): Session => {
    inUse += 1;
    session.channel.once('close', () => {
      inUse -= 1;
      onFreed();
    });
    return session;
  };
  const warm = async (): Promise<void> => {
    warming += 1;
    // Whoever needs one then opens it, and hears why that fails.
    const session = await occupy(WAITING_SHELL).catch(() => undefined);
    warming -= 1;
    if (session === undefined) return;
    ready.push(session);
    session.channel.once('close', () => {
      const at = ready.indexOf(session);
      if (at >= 0) ready.splice(at, 1);
    });
    onFreed();
  };
  const own = async (line: string): Promise<Session> => {
    const session = await occupy(line);
    // Only what others hold is in the way: whoever needs it asks elsewhere, or later.
    if (session === undefined)
      throw new HostError('host-lost', 'The host has no session left on this connection.');
    return session;
  };
  const hasRoom = (): boolean => taken < capacity && !connection.lost.aborted;
  return {
    connection,
    get inUse() {
      return inUse;
    },
    get isAsked() {
      return controls.some(({ isOpen, pending }) => isOpen && pending > 0);
    },
    hasRoom,
    async open(line, terminal) {
      const session = await occupy(line, terminal);
      return session && lend(session);
    },
    takeReady() {
      const session = ready.shift();
      return session && lend(session);
    },
    keepReady(count) {
      while (ready.length + warming < count && hasRoom()) void warm();
    },
    dropReady() {
      const session = ready.shift();
      if (session !== undefined) letGoOf(session);
      return session !== undefined;
    },
    openControl() {
      const opened = createControlShell(own, answerWithinMs);
      controls = [...controls.filter(({ isOpen }) => isOpen), opened];
      return opened;
    },
    guard: createGuard(async () => (hasRoom() ? await occupy(WAITING_SHELL) : undefined), answerWithinMs),
    close: () => connection.close(),
  };
}

function isRefusal(failure: unknown): boolean {
  return failure instanceof Error && 'reason' in failure && failure.reason === REFUSED_FOR_NOW;
}

function refused(cause: unknown): HostError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new HostError('unsupported', `The host does not run commands for this user: ${reason}`, { cause });
}
