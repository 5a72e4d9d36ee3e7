import { findCredential, readCredentialFile } from './credential-bytes.ts';
import type { LeaseState, PlantedPlace, WriteBackOutcome } from './lease-state.ts';
import { noteOutstanding } from './outstanding.ts';
import { writeSeedFile } from './plant-seed.ts';
import { writePlantedMarker } from './planted-marker.ts';
import { saveUnderLease } from './save-under-lease.ts';
import { openStored } from './seed-content.ts';
import type { SeedContext } from './seed-context.ts';
import { SeedError } from './seed-error.ts';
import { readSettled } from './settle-overwritten.ts';

const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 10_000;

/**
 * Saves what has become of the planted credential, also where the next holder of the seed has just taken its file; `undefined` when it is not there.
 *
 * @throws {SeedError} `host-failed`, `not-saved`, `not-found`.
 */
export async function collectCredential(
  context: SeedContext,
  state: LeaseState,
  planted: PlantedPlace,
): Promise<WriteBackOutcome | undefined> {
  const found = await findCredential(context, planted);
  if (found === undefined) {
    const { looked, seedId, holder } = state;
    const isNews = looked === undefined || looked.bytes !== undefined;
    state.looked = { bytes: undefined, outcome: undefined };
    if (isNews) context.report({ type: 'ignored', seedId, holder, reason: 'missing' });
    return undefined;
  }
  const before = state.basis;
  const outcome = await saveUnderLease(context, state, { ...found, how: 'rotated' });
  if (state.basis !== before) await noteBasis(state, planted);
  return outcome;
}

/** Saves on every change of the planted file until `stop` fires. Whatever fails is reported and tried again. */
export async function watchPlanted(
  context: SeedContext,
  state: LeaseState,
  { planted, stop }: { readonly planted: PlantedPlace; readonly stop: AbortSignal },
): Promise<void> {
  let retryMs = FIRST_RETRY_MS;
  while (!stop.aborted) {
    try {
      for await (const _ of planted.files.watch(planted.path, { signal: stop })) {
        if (stop.aborted) return;
        await state.serially(() => collectCredential(context, state, planted));
        retryMs = FIRST_RETRY_MS;
      }
      if (stop.aborted) return;
      throw new SeedError('host-failed', `Watching ${planted.path} ended by itself.`);
    } catch (cause) {
      if (stop.aborted) return;
      context.report({ type: 'watch-failed', seedId: state.seedId, holder: state.holder, cause });
      await context.clock.sleep(retryMs, { signal: stop, background: true });
      retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
    }
  }
}

/** Somebody's late save has made the store's credential newer than the session's: it gets it, unless it has rotated its own. */
export async function bringNewer(
  context: SeedContext,
  state: LeaseState,
  planted: PlantedPlace,
): Promise<void> {
  const bytes = await readCredentialFile(planted.files, planted.path);
  const present = bytes === undefined ? undefined : context.kind.read(bytes);
  if (present?.state !== 'logged-in' || present.generation !== state.basis) {
    await collectCredential(context, state, planted);
    return;
  }
  const stored = await openStored(context, await readSettled(context, state.seedId));
  const { generation } = stored.credential;
  if (state.seen.has(generation)) return;
  const { place, path } = planted;
  const isNoted = await noteOutstanding(context, state, {
    phase: 'planted',
    basis: generation,
    place,
    path,
  });
  // Newer still by now: brought after the next renewal.
  if (!isNoted) return;
  await writeSeedFile(planted.files, planted.home, { file: context.credential, bytes: stored.bytes });
  state.basis = generation;
  state.seen.add(generation);
  state.looked = { bytes: stored.bytes, outcome: { outcome: 'unchanged', generation } };
  await noteBasis(state, planted);
  context.report({ type: 'updated', seedId: state.seedId, holder: state.holder, generation });
}

/** A mark that cannot be written leaves the older one, with which a later token is kept aside rather than lost. */
async function noteBasis({ seedId, basis }: LeaseState, { files, home }: PlantedPlace): Promise<void> {
  await writePlantedMarker(files, home, { seedId, generation: basis }).catch(() => undefined);
}
