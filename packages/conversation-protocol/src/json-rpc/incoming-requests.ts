import { type BoundedWait, startBoundedWait } from './bounded-wait.ts';
import { JsonRpcError } from './json-rpc-error.ts';
import { ERROR_ANSWER_CODES, type ErrorAnswer, type JsonRpcId, type MessageWriter } from './message.ts';
import type { Timers } from './timers.ts';

/** How much of what the peer wrote stands in a message. */
const SHOWN_CHARACTERS = 100;

/** A request of the peer's. */
export interface IncomingRequest {
  /** As the peer gave it: often 0. */
  readonly id: JsonRpcId;
  readonly method: string;
  /** As it came: any JSON value, or undefined. */
  readonly params: unknown;
  /** Fires when an answer is of no use any more: the connection is closed, or the handler's deadline has passed. */
  readonly signal: AbortSignal;
}

/** The requests of the peer's that are not answered yet. */
export interface IncomingRequests {
  start(request: Omit<IncomingRequest, 'signal'>): void;
  /** Refuses what is not a valid request. */
  refuse(id: JsonRpcId | null, problem: string): void;
  /** Drops all without an answer. */
  close(error: JsonRpcError): void;
}

export interface IncomingRequestsOptions {
  readonly messages: MessageWriter;
  readonly write: (json: string) => Promise<void>;
  /** Undefined: every method is unknown. */
  readonly onRequest: ((request: IncomingRequest) => unknown) | undefined;
  readonly onProtocolError: (error: JsonRpcError) => void;
  /** An answer found no place in the queue, so that the peer would wait for it for good. */
  readonly onAnswerLost: (error: JsonRpcError) => void;
  /** Milliseconds. */
  readonly handlerDeadlineMs: number;
  /** How many may be open at once; the next is refused with -32001. */
  readonly maxOpenRequests: number;
  readonly timers: Timers;
}

/** Gives every request of the peer's exactly one answer, in a valid shape. */
export function createIncomingRequests(options: IncomingRequestsOptions): IncomingRequests {
  const {
    messages,
    write,
    onRequest,
    onProtocolError,
    onAnswerLost,
    handlerDeadlineMs,
    maxOpenRequests,
    timers,
  } = options;
  const open = new Map<JsonRpcId, BoundedWait<unknown>>();
  let closed = false;

  const send = (json: string): void => {
    write(json).catch((error: unknown) => {
      if (error instanceof JsonRpcError && error.code === 'queue-full') onAnswerLost(error);
    });
  };

  const answerError = (id: JsonRpcId, method: string, error: unknown): void => {
    const isAnswer = error instanceof JsonRpcError && error.code === 'remote-error';
    if (!isAnswer) {
      const what = `The handler of ${method} failed; the peer was told that there was an internal error.`;
      onProtocolError(new JsonRpcError('handler-failed', what, { cause: error }));
    }
    try {
      send(messages.error(id, isAnswer ? errorAnswer(error) : internalError));
    } catch {
      send(messages.error(id, internalError));
    }
  };

  const answerResult = (id: JsonRpcId, method: string, result: unknown): void => {
    let json: string;
    try {
      json = messages.result(id, result);
    } catch (error) {
      answerError(id, method, error);
      return;
    }
    send(json);
  };

  return {
    start({ id, method, params }) {
      const name = method.slice(0, SHOWN_CHARACTERS);
      if (open.has(id)) {
        const what = `The peer sent ${name} with the id of a request that is still open (${String(id).slice(0, SHOWN_CHARACTERS)}); it was dropped.`;
        onProtocolError(new JsonRpcError('duplicate-request', what));
        return;
      }
      if (onRequest === undefined) {
        send(messages.error(id, methodNotFound(name)));
        return;
      }
      if (open.size >= maxOpenRequests) {
        onProtocolError(
          new JsonRpcError(
            'overloaded',
            `${name} was refused: ${open.size} requests of the peer's are open.`,
          ),
        );
        send(
          messages.error(id, {
            code: ERROR_ANSWER_CODES.overloaded,
            message: 'Too many open requests; retry later.',
          }),
        );
        return;
      }
      const abort = new AbortController();
      const wait = startBoundedWait<unknown>(`an answer from the handler of ${name}`, {
        deadlineMs: handlerDeadlineMs,
        timers,
        onSettled: () => open.delete(id),
      });
      open.set(id, wait);
      wait.promise.then(
        (result) => answerResult(id, name, result),
        (error: unknown) => {
          abort.abort(error);
          if (!closed) answerError(id, name, error);
        },
      );
      void runHandler(() => onRequest({ id, method, params, signal: abort.signal })).then(
        wait.resolve,
        wait.reject,
      );
    },
    refuse(id, problem) {
      send(
        messages.error(id, {
          code: ERROR_ANSWER_CODES.invalidRequest,
          message: `Invalid request: ${problem}.`,
        }),
      );
    },
    close(error) {
      closed = true;
      for (const wait of open.values()) wait.reject(error);
    },
  };
}

const internalError: ErrorAnswer = { code: ERROR_ANSWER_CODES.internalError, message: 'Internal error.' };

function methodNotFound(method: string): ErrorAnswer {
  return { code: ERROR_ANSWER_CODES.methodNotFound, message: `Method not found: ${method}` };
}

function errorAnswer({ remoteCode, remoteMessage, message, data }: JsonRpcError): ErrorAnswer {
  return {
    code:
      Number.isSafeInteger(remoteCode) && remoteCode !== undefined
        ? remoteCode
        : ERROR_ANSWER_CODES.internalError,
    message: remoteMessage ?? message,
    ...(data === undefined ? {} : { data }),
  };
}

/** Starts the handler at once; what it throws is a rejection like any other. */
async function runHandler(handler: () => unknown): Promise<unknown> {
  return await handler();
}
