import { setTimeout as sleep } from 'node:timers/promises';
import type { Quota } from '@seedbed/seeds';
import type { CodexConversation } from '../conversation/conversation.ts';

const DEFAULT_EVERY_MS = 60_000;

export interface QuotaOptions {
  readonly record: (quota: Quota) => Promise<void>;
  /** Asked no more often than this, in milliseconds. 60,000 by default. */
  readonly everyMs?: number;
}

/**
 * Notes what a session's login has left: at the start, and when a turn or Codex's own news of its limits says that it may be less. Codex recommends to ask again
 * rather than to put its news together. Nothing that fails here matters to the session; the next turn asks again.
 *
 * Disposal stops it, and waits for what is under way.
 */
export function followQuota(
  conversation: Pick<CodexConversation, 'events' | 'rateLimits' | 'state'>,
  { record, everyMs = DEFAULT_EVERY_MS }: QuotaOptions,
): AsyncDisposable {
  const stop = new AbortController();
  const { signal } = stop;
  let news = Promise.withResolvers<void>();
  news.resolve();

  const listening = (async () => {
    const fromSeq = conversation.state().lastSeq + 1;
    for await (const { msg } of conversation.events({ fromSeq, signal }))
      if (msg.type === 'turn-completed' || msg.type === 'rate-limits-updated') news.resolve();
    stop.abort();
    news.resolve();
  })();
  const noting = (async () => {
    for (;;) {
      await news.promise;
      if (signal.aborted) return;
      news = Promise.withResolvers();
      await note().catch(() => undefined);
      await sleep(everyMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  })();

  async function note(): Promise<void> {
    const { quota } = await conversation.rateLimits();
    if (quota !== undefined) await record(quota);
  }

  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      news.resolve();
      await Promise.allSettled([listening, noting]);
    },
  };
}
