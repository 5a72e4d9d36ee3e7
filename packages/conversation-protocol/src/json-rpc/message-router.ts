import type { IncomingRequests } from './incoming-requests.ts';
import type { BadLine, JsonLine } from './json-line.ts';
import { JsonRpcError } from './json-rpc-error.ts';
import { readMessage } from './message.ts';
import type { OutgoingRequests } from './outgoing-requests.ts';

/** A notification of the peer's. */
export interface IncomingNotification {
  readonly method: string;
  /** As it came: any JSON value, or undefined. */
  readonly params: unknown;
}

export interface MessageRouterOptions {
  readonly calls: OutgoingRequests;
  readonly incoming: IncomingRequests;
  readonly onNotification: ((notification: IncomingNotification) => void | Promise<void>) | undefined;
  readonly onProtocolError: (error: JsonRpcError) => void;
}

/** Leads each line to who has to deal with it. Never throws; a promise that it returns never rejects. */
export function createMessageRouter(
  options: MessageRouterOptions,
): (line: JsonLine) => Promise<void> | undefined {
  const { calls, incoming, onNotification, onProtocolError } = options;

  const handlerFailed = (method: string, cause: unknown): void => {
    const what = `The handler of the notification ${method.slice(0, 100)} failed; the connection goes on.`;
    onProtocolError(new JsonRpcError('handler-failed', what, { cause }));
  };

  const notified = (notification: IncomingNotification): Promise<void> | undefined => {
    try {
      const handled: unknown = onNotification?.(notification);
      // A handler of type void may return anything.
      if (!(handled instanceof Promise)) return undefined;
      return handled.catch((cause: unknown) => handlerFailed(notification.method, cause));
    } catch (cause) {
      handlerFailed(notification.method, cause);
      return undefined;
    }
  };

  return (line) => {
    if (line.kind !== 'value') {
      onProtocolError(badLineError(line));
      return undefined;
    }
    const message = readMessage(line.value);
    switch (message.kind) {
      case 'notification':
        return notified({ method: message.method, params: message.params });
      case 'request':
        incoming.start(message);
        return undefined;
      case 'result':
      case 'error':
        calls.onAnswer(message);
        return undefined;
      case 'invalid': {
        onProtocolError(
          new JsonRpcError('invalid-message', `The peer sent a message that is none: ${message.problem}.`),
        );
        if (message.answerTo !== undefined) incoming.refuse(message.answerTo, message.problem);
        return undefined;
      }
    }
  };
}

function badLineError(line: { readonly kind: 'garbage' | 'truncated' } & BadLine): JsonRpcError {
  const { kind, text, bytes } = line;
  const what = kind === 'garbage' ? 'The peer wrote a line that is not JSON' : 'The peer ended within a line';
  return new JsonRpcError(kind, `${what} (${bytes} bytes): ${JSON.stringify(text)}`, {
    data: { text, bytes },
  });
}
