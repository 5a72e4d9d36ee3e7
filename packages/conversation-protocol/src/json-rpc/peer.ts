import { createIncomingRequests, type IncomingRequest } from './incoming-requests.ts';
import type { JsonLine } from './json-line.ts';
import { createJsonLineWriter, type JsonLineWriter } from './json-line-writer.ts';
import { JsonRpcError } from './json-rpc-error.ts';
import { type LineReading, startLineReading } from './line-reading.ts';
import { createMessageWriter, type JsonRpcDialect } from './message.ts';
import { createMessageRouter, type IncomingNotification } from './message-router.ts';
import { createOutgoingNotifications, type NotifyOptions } from './outgoing-notifications.ts';
import { createOutgoingRequests, type RequestOptions } from './outgoing-requests.ts';
import { systemTimers, type Timers } from './timers.ts';

export interface JsonRpcPeerOptions {
  /** What the peer writes: for a child process its standard output. */
  readonly readable: ReadableStream<Uint8Array>;
  /** What the peer reads: for a child process its standard input. */
  readonly writable: WritableStream<Uint8Array>;
  /**
   * Gives the result of a request of the peer's; undefined is answered as null. Handlers are started in the order in which the requests came,
   * and run side by side with one another and with what comes after.
   *
   * What it throws is answered as "internal error" without its text, unless it is a {@link JsonRpcError} `remote-error`, which is answered as it says.
   * Without this option every method is answered with "method not found" (-32601).
   */
  readonly onRequest?: (request: IncomingRequest) => unknown;
  /**
   * Gets the notifications in the order in which they came. While the promise that it may return is pending nothing more is read, which holds the peer back.
   * Therefore it must not wait for an answer on the same connection: the answer would not be read either.
   */
  readonly onNotification?: (notification: IncomingNotification) => void | Promise<void>;
  /**
   * Is told what went wrong while the connection goes on: see {@link JsonRpcErrorCode}. What it throws is ignored.
   * The messages quote at the most some hundred characters of what the peer wrote.
   */
  readonly onProtocolError?: (error: JsonRpcError) => void;
  /** `{ jsonrpcMember: true }` by default. */
  readonly dialect?: JsonRpcDialect;
  /** The ceiling of one incoming line in bytes; above it the connection ends with `line-too-long`, as an answer may have been lost. 128 MiB by default. */
  readonly maxLineBytes?: number;
  /** The ceiling of what may wait to be written, in bytes. 128 MiB by default. */
  readonly maxQueuedBytes?: number;
  /** Milliseconds that a handler of requests has before an error is answered in its place. A day by default, as people may have to be asked. */
  readonly handlerDeadlineMs?: number;
  /** How many requests of the peer's may be open at once; the next is refused with -32001. 1,024 by default. */
  readonly maxOpenRequests?: number;
  /** Milliseconds that `close` gives the peer to read what waits and to end its own side. 1,000 by default. */
  readonly closeGraceMs?: number;
  readonly timers?: Timers;
  /** From 0 up to 1; decides how long to wait before a request is sent again. Math.random by default. */
  readonly random?: () => number;
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
   * @throws {JsonRpcError} `deadline-exceeded` and `aborted` (it may still be sent), `closed`, `write-failed`, `queue-full`, `not-serializable`,
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
  const { timers = systemTimers, closeGraceMs = 1_000 } = options;
  const { promise: closed, resolve: resolveClosed } = Promise.withResolvers<CloseReason>();
  const messages = createMessageWriter(options.dialect ?? { jsonrpcMember: true });
  const onProtocolError = quietly(options.onProtocolError);
  let shuttingDown = false;
  let stopLingering = (): void => {};

  const writer = createJsonLineWriter(options.writable, {
    maxQueuedBytes: options.maxQueuedBytes,
    onFailure(error) {
      // The peer may have answered before it stopped reading: what it wrote is still read, until its end or for the grace.
      stopLingering = timers.after(closeGraceMs, () => shutDown(failed(error)));
    },
  });
  const { write } = writer;
  const calls = createOutgoingRequests({
    messages,
    write,
    onProtocolError,
    timers,
    random: options.random ?? Math.random,
  });
  const notifications = createOutgoingNotifications({ messages, write, timers });
  const incoming = createIncomingRequests({
    messages,
    write,
    onRequest: options.onRequest,
    onProtocolError,
    onAnswerLost: (error) => shutDown(failed(error)),
    handlerDeadlineMs: options.handlerDeadlineMs ?? 24 * 60 * 60 * 1000,
    maxOpenRequests: options.maxOpenRequests ?? 1_024,
    timers,
  });
  const onLine: (line: JsonLine) => Promise<void> | undefined = createMessageRouter({
    calls,
    incoming,
    onNotification: options.onNotification,
    onProtocolError,
  });
  const reading = startLineReading(options.readable, { maxLineBytes: options.maxLineBytes, onLine });

  const shutDown = (reason: CloseReason, cause: Error | undefined = reason.error): void => {
    if (shuttingDown) return;
    shuttingDown = true;
    stopLingering();
    const error = (what: string): JsonRpcError =>
      new JsonRpcError('closed', `${what} was not completed: ${closedBy(reason, cause)}`, { cause });
    calls.close(error);
    notifications.close(error);
    incoming.close(error('A request of the peer’s'));
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
    request: calls.request,
    notify: notifications.notify,
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

/** A reporter's own failure has nobody left to be told to. */
function quietly(report: ((error: JsonRpcError) => void) | undefined): (error: JsonRpcError) => void {
  return (error) => {
    try {
      report?.(error);
    } catch {}
  };
}
