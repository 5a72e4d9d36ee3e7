import { bringNewer, collectCredential, watchPlanted } from './credential-watch.ts';
import type { Quota } from './details.ts';
import { endLease } from './lease-release.ts';
import { type HeldLease, renewLease } from './lease-renewal.ts';
import { createLeaseState, type LeaseState, type WriteBackOutcome } from './lease-state.ts';
import { type PlantOptions, plantSeed } from './plant-seed.ts';
import { recordQuota } from './quota.ts';
import { saveUnderLease } from './save-under-lease.ts';
import type { SeedContext } from './seed-context.ts';
import { SeedError } from './seed-error.ts';
import type { SeedId } from './seed-facts.ts';
import { takeCredential } from './take-credential.ts';

/**
 * The exclusive right to use a seed, and everything that is done with it. It renews itself from the moment it is given until its disposal.
 *
 * Disposal waits for what is under way, ends the watch, reads the planted file once more and saves it, then frees the seed: end what uses the login before, and remove its home after. It rejects with
 * `not-saved` or `host-failed` when that last save was not possible, or nobody could be told of it: the next holder of the seed looks for the credential's file. Keep the home.
 */
export interface SeedLease extends AsyncDisposable {
  readonly seedId: SeedId;
  /** The name that was given, made unique to this run. */
  readonly holder: string;
  /** Larger than that of every lease of this seed before. */
  readonly fence: number;
  /** Aborts, with a `SeedError` `lease-lost`, when somebody else may have the seed. What was rotated until then can still be written back. */
  readonly signal: AbortSignal;
  /** Puts the login into a home. @throws {SeedError} see {@link plantSeed}. */
  plant(options: PlantOptions): Promise<void>;
  /** From now on the planted credential is saved whenever its file changes. Begins after {@link plant}. @throws {SeedError} `invalid-config` before that, `lease-lost` when the lease has ended. */
  watch(): CredentialWatch;
  /**
   * The credential itself, for a program that spends it and never puts it on a host's disk; what it becomes goes to {@link writeBack}.
   *
   * @throws {SeedError} `lease-lost`, `journal-failed`, `unreadable`.
   */
  take(): Promise<Uint8Array>;
  /** Saves what the credential has become, for those who don't keep it in a file of a host; after the lease has ended, too. @throws {SeedError} `not-saved`, `not-found`. */
  writeBack(bytes: Uint8Array): Promise<WriteBackOutcome>;
  /** Notes what the login has left, as its agent says. @throws {SeedError} `not-found`, `invalid-config`. */
  recordQuota(quota: Quota): Promise<void>;
}

/** Its disposal is the last save. @see SeedLease */
export interface CredentialWatch extends AsyncDisposable {
  /** Looks now. `undefined` when the file is not there. @throws {SeedError} `host-failed`, `not-saved`, `not-found`. */
  save(): Promise<WriteBackOutcome | undefined>;
}

export interface LeaseStart {
  readonly held: HeldLease;
  /** On the program's clock, no later than when the store's time was asked for. */
  readonly sentMs: number;
  /** Wakes those who wait for a seed in this program. */
  readonly onReleased: () => unknown;
}

/** A lease for its holder, and what this package knows of it. */
export interface StartedLease {
  readonly lease: SeedLease;
  readonly state: LeaseState;
}

export function startLease(context: SeedContext, { held, sentMs, onReleased }: LeaseStart): StartedLease {
  const state = createLeaseState(held);
  const lost = new AbortController();
  const stop = new AbortController();
  let disposal: Promise<void> | undefined;
  let isEnding = false;
  const reportFailure = (cause: unknown): void => {
    context.report({ type: 'watch-failed', seedId: held.seedId, holder: held.holder, cause });
  };
  const renewal = renewLease(held, stop.signal, {
    context,
    sentMs,
    lost,
    onFacts: ({ credential }) => {
      const { planted } = state;
      // Behind the last save nothing may be written any more: the home may be gone by then, and the seed somebody else's.
      if (
        isEnding ||
        planted === undefined ||
        credential === undefined ||
        state.seen.has(credential.generation)
      )
        return;
      state.serially(() => bringNewer(context, state, planted)).catch(reportFailure);
    },
  });
  const watching = createWatching(context, state);
  const refuseEnded = (): void => {
    if (!isEnding) return;
    throw new SeedError(
      'lease-lost',
      `The lease of seed ${held.seedId} has ended: what comes after it is somebody else's. Acquire the seed anew.`,
    );
  };
  const dispose = async (): Promise<void> => {
    isEnding = true;
    await watching.end();
    // What was begun goes on, also where nobody waits for it: it may be about to write the login somewhere.
    await state.serially(async () => undefined);
    const failure = await lastSave(context, state);
    stop.abort();
    await renewal;
    const untold = await endLease(context, state);
    onReleased();
    if ((failure ?? untold) !== undefined) throw failure ?? untold;
  };
  const lease: SeedLease = {
    seedId: held.seedId,
    holder: held.holder,
    fence: held.fence,
    signal: lost.signal,
    async plant(options) {
      refuseEnded();
      await state.serially(() => plantSeed(context, state, options));
    },
    watch() {
      refuseEnded();
      return watching.begin();
    },
    async take() {
      refuseEnded();
      return await state.serially(() => takeCredential(context, state));
    },
    // Never refused: it may be the only good token.
    writeBack: (bytes) => state.serially(() => saveUnderLease(context, state, { bytes, how: 'rotated' })),
    recordQuota: (quota) => recordQuota(context, held.seedId, quota),
    [Symbol.asyncDispose]: () => {
      disposal ??= dispose();
      return disposal;
    },
  };
  return { lease, state };
}

/** At most one watch, however often it is begun. */
function createWatching(
  context: SeedContext,
  state: LeaseState,
): { begin(): CredentialWatch; end(): Promise<void> } {
  let watching: { readonly stop: AbortController; readonly done: Promise<void> } | undefined;
  const end = async (): Promise<void> => {
    const ending = watching;
    watching = undefined;
    ending?.stop.abort();
    await ending?.done;
  };
  return {
    begin() {
      const { planted, seedId } = state;
      if (planted === undefined)
        throw new SeedError('invalid-config', `Seed ${seedId} is not planted: there is nothing to watch.`);
      if (watching === undefined) {
        const stop = new AbortController();
        watching = { stop, done: watchPlanted(context, state, { planted, stop: stop.signal }) };
      }
      const save = (): Promise<WriteBackOutcome | undefined> =>
        state.serially(() => collectCredential(context, state, planted));
      return {
        save,
        async [Symbol.asyncDispose]() {
          await end();
          await save();
        },
      };
    },
    end,
  };
}

async function lastSave(context: SeedContext, state: LeaseState): Promise<unknown> {
  const { planted } = state;
  if (planted === undefined) return undefined;
  try {
    const outcome = await state.serially(() => collectCredential(context, state, planted));
    if (outcome !== undefined && 'generation' in outcome) state.last = outcome.generation;
    return undefined;
  } catch (failure) {
    if (failure instanceof SeedError && failure.code === 'not-found') return undefined;
    state.unsaved = true;
    return failure;
  }
}
