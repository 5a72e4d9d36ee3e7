import { HostError, type HostFiles, type HostPath } from '@seedbed/host';
import { takenPath } from './credential-bytes.ts';
import type { PlantedMarker } from './planted-marker.ts';
import { saveBack } from './save-back.ts';
import type { SeedContext } from './seed-context.ts';
import { SeedError, type SeedErrorCode } from './seed-error.ts';

/** A login in a home that another seed's is about to take the place of. */
export interface OthersLogin {
  readonly files: HostFiles;
  readonly path: HostPath;
  readonly bytes: Uint8Array;
}

/** What its record makes impossible here is its next holder's to find out. */
const ITS_OWN = new Set<SeedErrorCode>(['not-found', 'unreadable', 'unsealing-failed', 'too-large']);

/**
 * Saves a login that another seed's dead holder has left in a home, into that seed. Whoever planted it there is gone, or the home would be nobody else's; and its successor may be nowhere
 * but here. That seed's own record has to say that it is here: the home's mark may be forged by whoever worked there, and must not reach the seed of somebody else. `false` where it does not,
 * or what is here is none of that seed's.
 *
 * @throws {SeedError} `store-unavailable`, `store-failed`, `aborted`.
 */
export async function saveOthers(
  context: SeedContext,
  { seedId }: PlantedMarker,
  { bytes, path, place }: Pick<OthersLogin, 'bytes' | 'path'> & { readonly place: string },
): Promise<boolean> {
  try {
    const left = (await context.store.get(seedId))?.facts.outstanding;
    if (left?.phase !== 'planted' || left.path !== path || left.place !== place) return false;
    const { holder, basis } = left;
    const { outcome } = await saveBack(context, seedId, { bytes, basis, holder, how: 'rotated' });
    if (outcome === 'ignored') return false;
    context.report({ type: 'salvaged', seedId, holder, place, outcome });
    return true;
  } catch (failure) {
    if (failure instanceof SeedError && ITS_OWN.has(failure.code)) return failure.code !== 'not-found';
    throw failure;
  }
}

/** Puts it where the next holder of its seed looks first, unless there is one already. */
export async function setAside({ files, path }: OthersLogin): Promise<void> {
  const taken = takenPath(path);
  if ((await files.stat(taken)) !== undefined) return;
  await files.rename(path, taken).catch((cause: unknown) => {
    if (!(cause instanceof HostError && cause.code === 'not-found')) throw cause;
  });
}
