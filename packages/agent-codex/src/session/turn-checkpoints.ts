import type { ConversationEvent } from '@seedbed/conversation-protocol';

export interface TurnCheckpoints extends AsyncDisposable {}

/**
 * Calls `save` after turns: when the conversation has been quiet for a while, and at the latest after a few times that, one call at a time.
 * Disposal stops it; what is under way ends first.
 */
export function followTurns(
  events: (options: { readonly signal: AbortSignal }) => AsyncIterable<ConversationEvent>,
  { quietMs, save }: { readonly quietMs: number; readonly save: () => Promise<unknown> },
): TurnCheckpoints {
  const stop = new AbortController();
  const latestMs = quietMs * PATIENCE;
  let since: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<unknown> | undefined;

  const begin = (): void => {
    timer = undefined;
    if (stop.signal.aborted || since === undefined) return;
    if (running !== undefined) return;
    since = undefined;
    const saving = save().finally(() => {
      running = undefined;
      if (since !== undefined) schedule();
    });
    // Whoever disposes meets what is under way; nobody has to meet the others.
    saving.catch(() => undefined);
    running = saving;
  };
  const schedule = (): void => {
    if (stop.signal.aborted) return;
    const waited = Date.now() - (since ?? Date.now());
    clearTimeout(timer);
    timer = setTimeout(begin, Math.max(0, Math.min(quietMs, latestMs - waited)));
  };
  const following = (async () => {
    for await (const { msg } of events({ signal: stop.signal })) {
      if (msg.type === 'turn-completed') since ??= Date.now();
      if (since !== undefined) schedule();
    }
  })();
  following.catch(() => undefined);

  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      clearTimeout(timer);
      const [followed, saved] = await Promise.allSettled([following, running]);
      if (saved.status === 'rejected') throw saved.reason;
      if (followed.status === 'rejected') throw followed.reason;
    },
  };
}

/** How many quiet times a busy conversation may put a snapshot off. */
const PATIENCE = 6;
