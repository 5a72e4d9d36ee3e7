import { type BoundedWait, startBoundedWait } from './bounded-wait.ts';
import type { JsonRpcError } from './json-rpc-error.ts';
import type { MessageWriter } from './message.ts';
import type { Timers } from './timers.ts';

export interface NotifyOptions {
  /** Milliseconds until the stream has taken it. 30,000 by default. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/** The notifications that we send, until the stream has taken them. */
export interface OutgoingNotifications {
  notify(method: string, params: unknown, options?: NotifyOptions): Promise<void>;
  /** Settles all; `error` gives the error of each by its method. Later ones get the same. */
  close(error: (method: string) => JsonRpcError): void;
}

export interface OutgoingNotificationsOptions {
  readonly messages: MessageWriter;
  readonly write: (json: string) => Promise<void>;
  readonly timers: Timers;
}

export function createOutgoingNotifications(options: OutgoingNotificationsOptions): OutgoingNotifications {
  const { messages, write, timers } = options;
  const waiting = new Map<BoundedWait<void>, string>();
  let closedError: ((method: string) => JsonRpcError) | undefined;

  return {
    async notify(method, params, { deadlineMs = 30_000, signal } = {}) {
      if (closedError !== undefined) throw closedError(method);
      const wait = startBoundedWait<void>(`room for ${method} in the connection`, {
        deadlineMs,
        signal,
        timers,
      });
      waiting.set(wait, method);
      try {
        if (!signal?.aborted) write(messages.notification(method, params)).then(wait.resolve, wait.reject);
      } catch (error) {
        wait.reject(error);
      }
      try {
        await wait.promise;
      } finally {
        waiting.delete(wait);
      }
    },
    close(error) {
      closedError = error;
      for (const [wait, method] of waiting) wait.reject(error(method));
    },
  };
}
