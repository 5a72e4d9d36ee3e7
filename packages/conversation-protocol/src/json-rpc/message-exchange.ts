import { createIncomingRequests, type IncomingRequest } from './incoming-requests.ts';
import type { JsonLine } from './json-line.ts';
import { JsonRpcError } from './json-rpc-error.ts';
import { createMessageWriter, type JsonRpcDialect } from './message.ts';
import { createMessageRouter, type IncomingNotification } from './message-router.ts';
import { createOutgoingNotifications, type NotifyOptions } from './outgoing-notifications.ts';
import { createOutgoingRequests, type RequestOptions } from './outgoing-requests.ts';
import { systemTimers, type Timers } from './timers.ts';

export interface MessageExchangeOptions {
  /**
   * Gives the result of a request of the peer's; undefined is answered as null. Handlers are started in the order in which the requests came,
   * and run side by side with one another and with what comes after.
   *
   * What it throws is answered as "internal error" without its text, unless it is a {@link JsonRpcError} `remote-error`, which is answered as it says,
   * also when it came from another connection.
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
  /** Milliseconds that a handler of requests has before an error is answered in its place. A day by default, as people may have to be asked. */
  readonly handlerDeadlineMs?: number;
  /** How many requests of the peer's may be open at once; the next is refused with -32001. 1,024 by default. */
  readonly maxOpenRequests?: number;
  readonly timers?: Timers;
  /** From 0 up to 1; decides how long to wait before a request is sent again. Math.random by default. */
  readonly random?: () => number;
}

/** Where the messages of an exchange go. */
export interface MessageOutlet {
  readonly write: (json: string) => Promise<void>;
  /** An answer of ours found no place in the queue: the peer would wait for it for good. */
  readonly onAnswerLost: (error: JsonRpcError) => void;
}

/** The protocol without its connection: who asked what, and who still has to be answered. */
export interface MessageExchange {
  request(method: string, params?: unknown, options?: RequestOptions): Promise<unknown>;
  notify(method: string, params?: unknown, options?: NotifyOptions): Promise<void>;
  /** Deals with one line of the peer's. Never throws. While the promise that it may return is pending, give it no other. */
  onLine(line: JsonLine): Promise<void> | undefined;
  /** Settles everything that is pending, and whatever is still asked; `error` gives the error of each by its method. */
  close(error: (what: string) => JsonRpcError): void;
}

const DAY_MS = 24 * 60 * 60 * 1_000;

/** @throws {JsonRpcError} `invalid-option`. */
export function createMessageExchange(
  options: MessageExchangeOptions,
  { write, onAnswerLost }: MessageOutlet,
): MessageExchange {
  const { dialect = { jsonrpcMember: true }, handlerDeadlineMs = DAY_MS, maxOpenRequests = 1_024 } = options;
  const { onRequest, onNotification, timers = systemTimers, random = Math.random } = options;
  if (!(handlerDeadlineMs > 0)) {
    throw new JsonRpcError(
      'invalid-option',
      `handlerDeadlineMs must be more than 0, got ${handlerDeadlineMs}.`,
    );
  }
  const messages = createMessageWriter(dialect);
  const onProtocolError = quietly(options.onProtocolError);
  const calls = createOutgoingRequests({ messages, write, onProtocolError, timers, random });
  const notifications = createOutgoingNotifications({ messages, write, timers });
  const incoming = createIncomingRequests({
    messages,
    write,
    onRequest,
    onProtocolError,
    onAnswerLost,
    handlerDeadlineMs,
    maxOpenRequests,
    timers,
  });
  return {
    request: calls.request,
    notify: notifications.notify,
    onLine: createMessageRouter({ calls, incoming, onNotification, onProtocolError }),
    close(error) {
      calls.close(error);
      notifications.close(error);
      incoming.close(error('A request of the peer’s'));
    },
  };
}

/** A reporter's own failure has nobody left to be told to. */
function quietly(report: ((error: JsonRpcError) => void) | undefined): (error: JsonRpcError) => void {
  return (error) => {
    try {
      report?.(error);
    } catch {}
  };
}
