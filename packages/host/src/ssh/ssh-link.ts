import type { ClientChannel } from 'ssh2';
import { abortedError, throwIfAborted } from '../abort.ts';
import { HostError } from '../host-error.ts';
import type { ProcessExit } from '../process.ts';
import { type Connection, openChannel } from './connection.ts';

export interface Terminal {
  readonly columns: number;
  readonly rows: number;
  readonly term: string;
}

/** A command's channel, and the connection that it depends on. */
export interface Session {
  readonly channel: ClientChannel;
  readonly lost: AbortSignal;
  readonly exit: Promise<ProcessExit>;
}

export interface SshLink {
  /** The connection that was there first. */
  readonly main: Connection;
  /** Runs a line in the user's login shell. Waits, with a deadline, where all connections are full. */
  open(
    line: string,
    options: { readonly terminal?: Terminal; readonly signal?: AbortSignal },
  ): Promise<Session>;
  close(): void;
}

export interface SshLinkOptions {
  readonly connect: () => Promise<Connection>;
  readonly maxConnections: number;
  /** How long to wait for a free place. */
  readonly waitMs: number;
}

/** OpenSSH's `MaxSessions` is 10 unless the host says otherwise; where it is less, the host refuses and the place counts as taken. */
const SESSIONS_PER_CONNECTION = 10;
/** SSH_OPEN_CONNECT_FAILED of RFC 4254, which OpenSSH gives when it has no session left. */
const REFUSED_FOR_NOW = 2;

interface Slots {
  readonly connection: Connection;
  taken: number;
  capacity: number;
}

/** Sessions over one connection, and over further ones of the same host when that has no room. */
export function createSshLink(main: Connection, options: SshLinkOptions): SshLink {
  const all: Slots[] = [{ connection: main, taken: 0, capacity: SESSIONS_PER_CONNECTION }];
  const waiting = new Set<() => void>();
  let opening: Promise<void> | undefined;
  let closed = false;

  const release = (slots: Slots): void => {
    slots.taken -= 1;
    for (const wake of waiting) wake();
  };
  const addConnection = async (): Promise<void> => {
    const connection = await options.connect();
    if (closed) {
      connection.close();
      return;
    }
    const slots = { connection, taken: 0, capacity: SESSIONS_PER_CONNECTION };
    all.push(slots);
    connection.lost.addEventListener('abort', () => all.splice(all.indexOf(slots), 1), { once: true });
  };
  const take = async (signal: AbortSignal | undefined): Promise<Slots> => {
    const deadline = AbortSignal.timeout(options.waitMs);
    for (;;) {
      main.lost.throwIfAborted();
      throwIfAborted(signal, 'open a session');
      const free = all.find(({ taken, capacity }) => taken < capacity);
      if (free !== undefined) {
        free.taken += 1;
        return free;
      }
      if (deadline.aborted) throw full(all.length, options.waitMs);
      if (all.length < options.maxConnections || opening !== undefined) {
        opening ??= addConnection().finally(() => {
          opening = undefined;
        });
        await opening;
      } else await freed(waiting, [deadline, main.lost, ...(signal === undefined ? [] : [signal])]);
    }
  };

  return {
    main,
    async open(line, { terminal, signal }) {
      for (;;) {
        const slots = await take(signal);
        try {
          const session = await openSession(slots.connection, line, terminal);
          const { channel } = session;
          channel.once('close', () => release(slots));
          if (signal?.aborted) {
            channel.close();
            throw abortedError(signal, 'open a session');
          }
          return session;
        } catch (failure) {
          if (failure instanceof HostError) throw failure;
          slots.capacity = Math.max(1, Math.min(slots.capacity, slots.taken - 1));
          release(slots);
          const isFull =
            failure instanceof Error && 'reason' in failure && failure.reason === REFUSED_FOR_NOW;
          if (!isFull || slots.taken === 0) throw refused(failure);
        }
      }
    },
    close() {
      closed = true;
      for (const { connection } of [...all]) connection.close();
    },
  };
}

async function openSession(
  connection: Connection,
  line: string,
  terminal: Terminal | undefined,
): Promise<Session> {
  const { client, lost } = connection;
  const pty =
    terminal === undefined
      ? {}
      : { pty: { cols: terminal.columns, rows: terminal.rows, term: terminal.term, width: 0, height: 0 } };
  let exit: Promise<ProcessExit> | undefined;
  const channel = await openChannel(connection, (callback) => {
    client.exec(line, pty, (failure, opened) => {
      // Listened to at once: what follows may have come with the same packet.
      if (failure === undefined) {
        exit = exitOf(opened, lost);
        opened.on('error', () => undefined);
      }
      callback(failure, opened);
    });
  });
  return { channel, lost, exit: exit ?? exitOf(channel, lost) };
}

function exitOf(channel: ClientChannel, lost: AbortSignal): Promise<ProcessExit> {
  const { promise, resolve } = Promise.withResolvers<ProcessExit>();
  const lose = (): void => {
    const cause = lost.aborted
      ? lost.reason
      : new HostError('host-lost', 'The session ended without an exit.');
    resolve({ kind: 'lost', cause });
  };
  channel.once('exit', (code: number | null, signal?: string) => {
    resolve(code === null ? { kind: 'signaled', name: signal ?? 'SIGKILL' } : { kind: 'exited', code });
  });
  channel.once('close', lose);
  lost.addEventListener('abort', lose, { once: true });
  void promise.then(() => lost.removeEventListener('abort', lose));
  return promise;
}

async function freed(waiting: Set<() => void>, signals: readonly AbortSignal[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const over = AbortSignal.any([...signals]);
  over.addEventListener('abort', () => resolve(), { once: true });
  if (over.aborted) resolve();
  waiting.add(resolve);
  await promise;
  waiting.delete(resolve);
}

function full(connections: number, waitMs: number): HostError {
  return new HostError(
    'timeout',
    `No session of the host came free within ${waitMs} ms, with ${connections} connections in use: allow more of them (maxConnections), or run less at once.`,
  );
}

function refused(cause: unknown): HostError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new HostError('unsupported', `The host does not run commands for this user: ${reason}`, { cause });
}
