import type { ClientChannel } from 'ssh2';
import { HostError } from '../../host-error.ts';
import type { ProcessExit } from '../../process.ts';
import type { Connection } from '../connection/connection.ts';
import { inTime } from '../connection/in-time.ts';
import { openChannel } from '../connection/open-channel.ts';

export interface Terminal {
  readonly columns: number;
  readonly rows: number;
  readonly term: string;
}

/** A command's channel, and the connection that it depends on. */
export interface Session {
  readonly channel: ClientChannel;
  /** Aborts when the connection is gone, with the `HostError` as its reason. */
  readonly lost: AbortSignal;
  /** See `Connection`. */
  drained(): Promise<void>;
  readonly exit: Promise<ProcessExit>;
}

export interface OpenSessionOptions {
  readonly terminal: Terminal | undefined;
  /** A host that takes longer to open it hangs. */
  readonly withinMs: number;
}

/**
 * Runs a line in the user's login shell. Rejects with what ssh2 says when the host refuses, with a `HostError` when the connection is gone, or the host does not
 * answer (`timeout`).
 */
export async function openSession(
  connection: Connection,
  line: string,
  { terminal, withinMs }: OpenSessionOptions,
): Promise<Session> {
  const { client, lost } = connection;
  const pty =
    terminal === undefined
      ? {}
      : { pty: { cols: terminal.columns, rows: terminal.rows, term: terminal.term, width: 0, height: 0 } };
  let exit: Promise<ProcessExit> | undefined;
  const opening = openChannel(connection, (callback) => {
    client.exec(line, pty, (failure, opened) => {
      // Listened to at once: what follows may have come with the same packet.
      if (failure === undefined) {
        exit = exitOf(opened, lost);
        opened.on('error', () => undefined);
      }
      callback(failure, opened);
    });
  });
  const channel = await inTime(opening, { withinMs, failed: 'opened no session', undo: discard });
  return { channel, lost, drained: connection.drained, exit: exit ?? exitOf(channel, lost) };
}

/** Lets a session go that nobody reads any more: until its last byte is taken, a channel keeps its place. */
export function letGoOf({ channel }: Session): void {
  discard(channel);
}

function discard(channel: ClientChannel): void {
  channel.resume();
  channel.stderr.resume();
  channel.close();
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
