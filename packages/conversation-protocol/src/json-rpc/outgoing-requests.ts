import { type BoundedWait, startBoundedWait } from './bounded-wait.ts';
import { JsonRpcError } from './json-rpc-error.ts';
import { ERROR_ANSWER_CODES, type IncomingMessage, type MessageWriter, remoteError } from './message.ts';
import { DEFAULT_RETRIES, overloadBackoffMs } from './overload-backoff.ts';
import type { Timers } from './timers.ts';

/** How many of the ids that nobody waits for any more are kept, to tell a late answer from one to a request that was never sent. */
const REMEMBERED_IDS = 1_000;

export interface RequestOptions {
  /** Milliseconds to the answer, waits before further tries included. 30,000 by default. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
  /** How often to try again when the peer answers -32001, "too busy". 4 by default. */
  readonly retries?: number;
}

export type Answer = Extract<IncomingMessage, { kind: 'result' | 'error' }>;

/** The requests that we have sent and that are not answered yet. */
export interface OutgoingRequests {
  request(method: string, params: unknown, options?: RequestOptions): Promise<unknown>;
  onAnswer(answer: Answer): void;
  /** Settles all; `error` gives the error of each by its method. Later requests get the same. */
  close(error: (method: string) => JsonRpcError): void;
}

export interface OutgoingRequestsOptions {
  readonly messages: MessageWriter;
  readonly write: (json: string) => Promise<void>;
  readonly onProtocolError: (error: JsonRpcError) => void;
  readonly timers: Timers;
  /** From 0 up to 1. */
  readonly random: () => number;
}

interface Call {
  readonly method: string;
  readonly params: unknown;
  readonly wait: BoundedWait<unknown>;
  readonly retries: number;
  /** How often it has been sent. */
  tries: number;
  /** Of the last try. */
  id: number;
  stopBackoff: () => void;
}

export function createOutgoingRequests(options: OutgoingRequestsOptions): OutgoingRequests {
  const { messages, write, onProtocolError, timers, random } = options;
  const calls = new Set<Call>();
  const sent = new Map<number, Call>();
  const givenUp = new Set<number>();
  let lastId = 0;
  let closedError: ((method: string) => JsonRpcError) | undefined;

  const send = (call: Call): void => {
    lastId += 1;
    call.id = lastId;
    call.tries += 1;
    try {
      const json = messages.request(call.id, call.method, call.params);
      sent.set(call.id, call);
      write(json).catch(call.wait.reject);
    } catch (error) {
      call.wait.reject(error);
    }
  };

  const forget = (call: Call): void => {
    calls.delete(call);
    call.stopBackoff();
    if (!sent.delete(call.id)) return;
    givenUp.add(call.id);
    const oldest = givenUp.values().next();
    if (givenUp.size > REMEMBERED_IDS && !oldest.done) givenUp.delete(oldest.value);
  };

  return {
    async request(method, params, { deadlineMs = 30_000, signal, retries = DEFAULT_RETRIES } = {}) {
      if (closedError !== undefined) throw closedError(method);
      let call: Call | undefined;
      const wait = startBoundedWait<unknown>(`an answer to ${method}`, {
        deadlineMs,
        signal,
        timers,
        onSettled: () => call && forget(call),
      });
      if (signal?.aborted) return await wait.promise;
      call = { method, params, wait, retries, tries: 0, id: 0, stopBackoff: () => {} };
      calls.add(call);
      send(call);
      return await wait.promise;
    },

    onAnswer(answer) {
      const id = typeof answer.id === 'number' ? answer.id : Number.NaN;
      const call = sent.get(id);
      if (call === undefined) {
        if (givenUp.delete(id)) return;
        const which = JSON.stringify(answer.id)?.slice(0, 100) ?? 'no id';
        onProtocolError(
          new JsonRpcError('unknown-answer', `The peer answered a request that is not open: ${which}.`),
        );
        return;
      }
      sent.delete(id);
      if (answer.kind === 'result') {
        call.wait.resolve(answer.result);
        return;
      }
      const error = remoteError(call.method, answer.error);
      if (error.remoteCode !== ERROR_ANSWER_CODES.overloaded || call.tries > call.retries)
        call.wait.reject(error);
      else call.stopBackoff = timers.after(overloadBackoffMs(call.tries, random), () => send(call));
    },

    close(error) {
      closedError = error;
      for (const call of calls) call.wait.reject(error(call.method));
    },
  };
}
