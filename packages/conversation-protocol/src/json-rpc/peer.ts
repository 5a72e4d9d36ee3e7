import { createJsonLineWriter, type JsonLineWriter } from './json-line-writer.ts';
import { JsonRpcError } from './json-rpc-error.ts';
import { type LineReading, startLineReading } from './line-reading.ts';
import { createMessageExchange, type MessageExchangeOptions } from './message-exchange.ts';
import type { NotifyOptions } from './outgoing-notifications.ts';
import type { RequestOptions } from './outgoing-requests.ts';
import { systemTimers, type Timers } from './timers.ts';

export interface JsonRpcPeerOptions extends MessageExchangeOptions {
  /** What the peer writes: for a child process its standard output. */
  readonly readable: ReadableStream<Uint8Array>;
  /** What the peer reads: for a child process its standard input. */
  readonly writable: WritableStream<Uint8Array>;
  /** The ceiling of one incoming line in bytes; above it the connection ends with `line-too-long`, as an answer may have been lost. 128 MiB by default. */
  readonly maxLineBytes?: number;
  /** The ceiling of what may wait to be written, in bytes; of messages 16,384 may wait. 128 MiB by default. */
  readonly maxQueuedBytes?: number;
  /** Milliseconds that `close` gives the peer to read what waits and to end its own side. 1,000 by default. */
  readonly closeGraceMs?: number;
}

/**
 * How a connection ended.
 *
 * - `closed`: by us, through `close` or disposal.
 * - `ended`: the peer ended its output, also when it died.
 * - `failed`: it broke; `error` says how: `read-failed`, `line-too-long`, `queue-full`, or `write-failed` when the peer can't be told anything any more
 *   and yet did not end its output.
 */
export type CloseReason =
  | { readonly kind: 'closed' | 'ended'; readonly error: undefined }
  | { readonly kind: 'failed'; readonly error: JsonRpcError };

/** Our side of a connection on which both sides may ask and tell. */
export interface JsonRpcPeer extends AsyncDisposable {
  /**
   * The peer's result. Always settles: with an answer, at the deadline, by the signal, or when the connection ends.
   *
   * @throws {JsonRpcError} `remote-error`, `deadline-exceeded`, `aborted`, `closed`, `write-failed`, `queue-full`, `not-serializable`,
   * `invalid-message`, `invalid-option`.
   */
  request(method: string, params?: unknown, options?: RequestOptions): Promise<unknown>;
  /**
   * Resolves when the stream has taken it: whoever waits before the next one is held back by a peer that does not read.
   *
   * @throws {JsonRpcError} `deadline-exceeded`, `aborted` and `closed` (it may still be sent), `write-failed`, `queue-full`, `not-serializable`,
   * `invalid-option`.
   */
  notify(method: string, params?: unknown, options?: NotifyOptions): Promise<void>;
  /** Resolves when the connection is over, after every request has been settled and both streams have been let go. Never rejects. */
  readonly closed: Promise<CloseReason>;
  /**
   * Settles everything that is pending at once, with `cause` as the reason if there is one (the exit of the process, say), lets what was sent before
   * be written, ends the peer's input and drops what still comes, until the peer ends its side or `closeGraceMs` have passed.
   * Resolves with `closed`; calling it again joins.
   */
  close(cause?: Error): Promise<CloseReason>;
}

/**
 * A JSON-RPC connection over two byte streams, one message a line. It takes both streams and reads from now on.
 *
 * @throws {JsonRpcError} `invalid-option`.
 */
export function createJsonRpcPeer(options: JsonRpcPeerOptions): JsonRpcPeer {
  const { timers = systemTimers, closeGraceMs = 1_000, maxLineBytes, maxQueuedBytes } = options;
  const { promise: closed, resolve: resolveClosed } = Promise.withResolvers<CloseReason>();
  let shuttingDown = false;
  let stopLingering = (): void => {};

  const writer = createJsonLineWriter(options.writable, {
    maxQueuedBytes,
    onFailure(error) {
      // The peer may have answered before it stopped reading: what it wrote is still read, until its end or for the grace.
      stopLingering = timers.after(closeGraceMs, () => shutDown(failed(error)));
    },
  });
  const exchange = createMessageExchange(options, {
    write: writer.write,
    onAnswerLost: (error) => shutDown(failed(error)),
  });
  const reading = startLineReading(options.readable, { maxLineBytes, onLine: exchange.onLine });

  const shutDown = (reason: CloseReason, cause: Error | undefined = reason.error): void => {
    if (shuttingDown) return;
    shuttingDown = true;
    stopLingering();
    const why = closedBy(reason, cause);
    exchange.close((what) => new JsonRpcError('closed', `${what} was not completed: ${why}`, { cause }));
    reading.discard();
    void letGo(writer, reading, { error: reason.error, graceMs: closeGraceMs, timers }).then(() =>
      resolveClosed(reason),
    );
  };

  void reading.ended.then((error) => {
    shutDown(error === undefined ? { kind: 'ended', error: undefined } : failed(error));
  });

  const close = async (cause?: Error): Promise<CloseReason> => {
    shutDown({ kind: 'closed', error: undefined }, cause);
    return await closed;
  };
  return {
    request: exchange.request,
    notify: exchange.notify,
    closed,
    close,
    [Symbol.asyncDispose]: async () => void (await close()),
  };
}

interface LetGoOptions {
  /** There when the connection is broken, so that there is nothing to wait for from the peer. */
  readonly error: JsonRpcError | undefined;
  readonly graceMs: number;
  readonly timers: Timers;
}

/** Gives both directions the grace to end by themselves, then ends them. */
async function letGo(
  writer: JsonLineWriter,
  reading: LineReading,
  { error, graceMs, timers }: LetGoOptions,
): Promise<void> {
  if (error !== undefined) reading.cancel(error);
  const { promise, resolve } = Promise.withResolvers<void>();
  const stopGrace = timers.after(graceMs, resolve);
  void Promise.all([writer.end(), reading.ended]).then(() => resolve());
  await promise;
  stopGrace();
  writer.abort(error);
  reading.cancel(error);
}

function failed(error: JsonRpcError): CloseReason {
  return { kind: 'failed', error };
}

function closedBy(reason: CloseReason, cause: Error | undefined): string {
  if (cause !== undefined) return `the connection is closed. ${cause.message}`;
  return reason.kind === 'ended'
    ? 'the peer ended the connection.'
    : 'the connection was closed on this side.';
}
