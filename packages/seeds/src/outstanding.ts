import { HostError, type HostFiles, type HostPath, hostPath } from '@seedbed/host';
import { changeSeed } from './change-seed.ts';
import {
  type FoundFile,
  readCredentialFile,
  readPlantedFile,
  readTakenFile,
  takenPath,
} from './credential-bytes.ts';
import { type HeldLease, isHeldBy } from './lease-renewal.ts';
import { type SaveOutcome, saveBack } from './save-back.ts';
import type { SeedContext } from './seed-context.ts';
import { SeedError, type SeedErrorCode } from './seed-error.ts';
import type { Outstanding, SeedFacts, SeedId } from './seed-facts.ts';

/**
 * Notes under a lease where its credential is going to be, before it goes there. `false`, and nothing is noted, when what is stored is no longer its basis: somebody's late save has come
 * between, and what was read may be spent.
 *
 * @throws {SeedError} `lease-lost`.
 */
export async function noteOutstanding(
  context: SeedContext,
  held: HeldLease,
  outstanding: Omit<Outstanding, 'holder' | 'fence'>,
): Promise<boolean> {
  const { holder, fence, seedId } = held;
  return await changeSeed(context, seedId, ({ facts }) => {
    refuseLost(facts, held);
    if (facts.credential?.generation !== outstanding.basis) return { result: false };
    return {
      change: { facts: { ...facts, outstanding: { ...outstanding, holder, fence } } },
      result: true,
    };
  });
}

export function refuseLost(facts: SeedFacts, held: HeldLease): void {
  if (isHeldBy(facts.lease, held)) return;
  throw new SeedError(
    'lease-lost',
    `The lease of seed ${held.seedId} is lost: somebody else has it, or it was ended. Stop what uses it.`,
  );
}

/** Failures that say nothing about the place. */
const NOT_THE_PLACE = new Set<SeedErrorCode>([
  'store-unavailable',
  'store-failed',
  'not-found',
  'lease-lost',
  'unsealing-failed',
]);

/** `doubtful`: something was there that is no login of this seed, so that the stored token may be spent. */
export type Settled = { readonly settled: true; readonly doubtful: boolean };

/** Why what a dead holder left cannot be seen. */
export type Unsettled = { readonly settled: false; readonly reason: string };

/**
 * Under a new lease: looks for what the last holder left if it ended without a word, saves it, and takes it away there, so that what may still run cannot spend it.
 * Nothing is handed out before that: it may have been spent.
 */
export async function salvage(
  context: SeedContext,
  held: HeldLease,
  left: Outstanding,
): Promise<Settled | Unsettled> {
  if (left.phase === 'refreshing' || left.place === undefined || left.path === undefined) {
    return unsettled(
      'a refresh was under way, and whether it went well stands in the journal of the program that did it',
    );
  }
  const { place } = left;
  const path = hostPath(left.path);
  try {
    const files = await context.reach(place);
    if (files === undefined) return unsettled(`${place} cannot be reached from here`);
    const outcome = await collectLeft(context, held, { files, path, left });
    if (outcome === 'gone' || (outcome === undefined && left.phase === 'planted'))
      return unsettled(`${path} is gone from ${place}`);
    if (outcome !== undefined)
      context.report({ type: 'salvaged', seedId: held.seedId, holder: left.holder, place, outcome });
    return { settled: true, doubtful: outcome === 'ignored' };
  } catch (failure) {
    if (failure instanceof SeedError && NOT_THE_PLACE.has(failure.code)) throw failure;
    const reason = failure instanceof Error ? failure.message : String(failure);
    return unsettled(`${place} failed: ${reason}`);
  }
}

function unsettled(reason: string): Unsettled {
  return { settled: false, reason };
}

/**
 * Saves the file and takes it away. It is renamed first, so that what still rotates it does not do so between the last look and its removal; a holder of the seed that dies
 * in between leaves it under that name, where the next finds it. `undefined` when there is nothing; `gone` when it was there, and somebody else took it away: its late holder, who may have
 * seen something newer in it.
 */
async function collectLeft(
  context: SeedContext,
  held: HeldLease,
  place: { readonly files: HostFiles; readonly path: HostPath; readonly left: Outstanding },
): Promise<SaveOutcome['outcome'] | 'gone' | undefined> {
  const { files, path, left } = place;
  const taken = takenPath(path);
  let outcome: SaveOutcome['outcome'] | undefined;
  let isGone = false;
  for (;;) {
    const aside = await saveFile(context, held, { left, found: await readTakenFile(context, place) });
    if (aside !== undefined) {
      isGone = false;
      if (outcome === undefined || aside.outcome !== 'unchanged') outcome = aside.outcome;
      // Said before it is done: should this program die in between, a file that is gone is no riddle.
      await noteCollected(context, held, left);
      const still = await readCredentialFile(files, taken);
      if (still === undefined || Buffer.compare(still, aside.bytes) === 0) await files.remove(taken);
      continue;
    }
    const found = await saveFile(context, held, { left, found: await readPlantedFile(context, place) });
    if (found === undefined) return isGone ? 'gone' : outcome;
    // What is no credential of this seed is not ours to take away.
    if (found.outcome === 'ignored') return outcome ?? found.outcome;
    outcome = found.outcome;
    isGone = await files.rename(path, taken).then(
      () => false,
      (cause: unknown) => {
        if (cause instanceof HostError && cause.code === 'not-found') return true;
        throw cause;
      },
    );
  }
}

async function saveFile(
  context: SeedContext,
  { seedId }: HeldLease,
  { left, found }: { readonly left: Outstanding; readonly found: FoundFile | undefined },
): Promise<{ readonly bytes: Uint8Array; readonly outcome: SaveOutcome['outcome'] } | undefined> {
  if (found === undefined) return undefined;
  const { holder } = left;
  // While it was being planted nobody had used it: what else is there had been there before, and its descent was looked at then.
  const basis = left.phase === 'planting' ? '' : await basisOf(context, seedId, left);
  const { outcome } = await saveBack(context, seedId, { ...found, basis, holder, how: 'rotated' });
  return { bytes: found.bytes, outcome };
}

/** Moves on with what is saved of that holder. */
async function basisOf({ store }: SeedContext, seedId: SeedId, left: Outstanding): Promise<string> {
  const outstanding = (await store.get(seedId))?.facts.outstanding;
  return outstanding?.holder === left.holder ? outstanding.basis : left.basis;
}

async function noteCollected(context: SeedContext, held: HeldLease, left: Outstanding): Promise<void> {
  await changeSeed(context, held.seedId, ({ facts }) => {
    refuseLost(facts, held);
    if (facts.outstanding?.holder !== left.holder) return { result: undefined };
    const outstanding = { ...facts.outstanding, phase: 'collected' } as const;
    return { change: { facts: { ...facts, outstanding } }, result: undefined };
  });
}
