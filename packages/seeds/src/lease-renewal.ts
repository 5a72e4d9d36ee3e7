import { changeSeed } from './change-seed.ts';
import type { SeedContext } from './seed-context.ts';
import { SeedError } from './seed-error.ts';
import type { LeaseFacts, SeedFacts, SeedId } from './seed-facts.ts';

/** The lease of one holder, as this program knows it. */
export interface HeldLease {
  readonly seedId: SeedId;
  readonly holder: string;
  readonly fence: number;
}

/** Whether the stored lease is this one: same holder, same fencing token. */
export function isHeldBy(lease: LeaseFacts | undefined, { holder, fence }: HeldLease): boolean {
  return lease?.holder === holder && lease.fence === fence;
}

export interface RenewalOptions {
  readonly context: SeedContext;
  /** On the program's clock, when the acquisition was sent: from then on the lease runs, or later. */
  readonly sentMs: number;
  /** Aborted, with a `SeedError` `lease-lost`, when the lease can no longer be relied on. */
  readonly lost: AbortController;
  /** After every renewal, with the seed as it was found. */
  readonly onFacts: (facts: SeedFacts) => void;
}

/** Of a lease's time; what is left of it is for its holder, to end what uses the login before anybody else can have it. */
const RELIED_ON = 5 / 6;

/**
 * Renews a lease every third of its time until `stop` fires. Should the store not answer, it is tried more and more often, by this program's own clock, which began before the store's
 * did. It is given up here a sixth of its time before anybody else can have it.
 *
 * No try is waited for until the end, since it may be one connection that has fallen silent: another is asked meanwhile, and whichever answers counts.
 */
export async function renewLease(
  held: HeldLease,
  stop: AbortSignal,
  { context, sentMs, lost, onFacts }: RenewalOptions,
): Promise<void> {
  const { clock, leaseMs } = context;
  const wait = { signal: stop, background: true };
  const reliedOnMs = leaseMs * RELIED_ON;
  let endsMs = sentMs + reliedOnMs;
  let dueMs = sentMs + leaseMs / 3;
  let silent: readonly Promise<Renewed>[] = [];
  while (!stop.aborted) {
    await clock.sleep(Math.max(0, Math.min(dueMs, endsMs) - clock.monotonicMs()), wait);
    if (stop.aborted) return;
    const now = clock.monotonicMs();
    if (now >= endsMs) return giveUp(`the store did not answer for ${Math.round(reliedOnMs)} ms`);
    try {
      silent = [...silent, renewOnce(context, held).then((facts) => ({ facts, askedMs: now }))];
      const { facts, askedMs } = await withinTime(firstOf(silent), (endsMs - now) / 3);
      silent = [];
      if (facts === undefined) return giveUp('somebody else has it, or it was ended');
      endsMs = askedMs + reliedOnMs;
      dueMs = askedMs + leaseMs / 3;
      onFacts(facts);
    } catch (cause) {
      if (!(cause instanceof LateError)) silent = [];
      if (stop.aborted) return;
      if (cause instanceof SeedError && cause.code === 'not-found') return giveUp('the seed was deleted');
      context.report({ type: 'renewal-failed', seedId: held.seedId, holder: held.holder, cause });
      dueMs = clock.monotonicMs() + Math.max(50, (endsMs - clock.monotonicMs()) / 4);
    }
  }

  /** What does not come in time counts as a store that does not answer. */
  async function withinTime<T>(work: Promise<T>, ms: number): Promise<T> {
    const done = new AbortController();
    const late = clock
      .sleep(ms, { signal: AbortSignal.any([stop, done.signal]), background: true })
      .then(() => {
        throw new LateError('store-unavailable', 'The store has not answered in time.');
      });
    late.catch(() => undefined);
    work.catch(() => undefined);
    try {
      return await Promise.race([work, late]);
    } finally {
      done.abort();
    }
  }

  function giveUp(reason: string): void {
    context.report({ type: 'lease-lost', seedId: held.seedId, holder: held.holder, reason });
    lost.abort(
      new SeedError('lease-lost', `The lease of seed ${held.seedId} is lost: ${reason}. Stop what uses it.`),
    );
  }
}

interface Renewed {
  readonly facts: SeedFacts | undefined;
  /** When it was asked for: from then on the lease runs, or later. */
  readonly askedMs: number;
}

class LateError extends SeedError {}

/** The first that answers; when none does, what the latest has failed with. */
async function firstOf<T>(tries: readonly Promise<T>[]): Promise<T> {
  try {
    return await Promise.any(tries);
  } catch (failure) {
    throw failure instanceof AggregateError ? failure.errors.at(-1) : failure;
  }
}

async function renewOnce(context: SeedContext, held: HeldLease): Promise<SeedFacts | undefined> {
  return await changeSeed<SeedFacts | undefined>(context, held.seedId, ({ facts, nowMs }) => {
    if (!isHeldBy(facts.lease, held)) return { result: undefined };
    const { holder, fence } = held;
    const lease = { holder, fence, expiresMs: nowMs + context.leaseMs };
    return { change: { facts: { ...facts, lease } }, result: facts };
  });
}
