import { type Host, HostError, type HostPath, joinHostPath, parentHostPath, readText } from '@seedbed/host';
import { z } from 'zod';
import { SnapshotError } from '../snapshot-error.ts';
import { refuseForeignPlace } from './foreign-place.ts';
import { type StagingPlace, stagingPlace } from './staging-place.ts';

/** What is written before a folder is exchanged, so that whoever comes after a crash can finish it. */
export interface ReadyNote {
  readonly snapshot: string;
  /** Paths that are moved over from the folder as it was: what snapshots leave out. */
  readonly kept: readonly string[];
  /** Of the folders in which they lie, as moving changes them. */
  readonly times: readonly (readonly [path: string, modifiedMs: number])[];
}

/** `clean`: nothing was left. `discarded`: a restore had not come far, the folder is as it was. `finished`: it had, and now the folder is the restored one. */
export type Settled = 'clean' | 'discarded' | 'finished';

const MAX_NOTE_BYTES = 64 * 1024 * 1024;
const AT_ONCE = 100;

const noteSchema: z.ZodType<ReadyNote> = z.object({
  snapshot: z.string(),
  kept: z.array(z.string()),
  times: z.array(z.tuple([z.string(), z.number()])),
});

/**
 * Ends a restore of a folder that a killed program left half done. To be called before the folder is used; one look where there is nothing to do.
 * @throws {SnapshotError} `refused-entry` when the note that was left cannot be ours. @throws {HostError}
 */
export async function settleRestore(
  host: Host,
  folder: HostPath,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<Settled> {
  const place = stagingPlace(folder);
  if ((await host.stat(place.container)) === undefined) return 'clean';
  await refuseForeignPlace(host, place);
  if ((await host.stat(place.ready)) === undefined) {
    await host.remove(place.container, { recursive: true });
    return 'discarded';
  }
  const note = parseNote(await readText(host, place.ready, { maxBytes: MAX_NOTE_BYTES }), place);
  await exchange(host, folder, { place, note, ...(signal && { signal }) });
  return 'finished';
}

/** Says that what is to become the folder is whole. Where it fails nothing stays; where nobody can say whether the note is there, the next one looks. */
export async function noteReady(
  host: Host,
  { container, ready }: StagingPlace,
  note: ReadyNote,
): Promise<void> {
  try {
    await host.writeFile(ready, JSON.stringify(note), { mode: 0o600 });
  } catch (failure) {
    const mayBeReady = await host.stat(ready).then(
      (stat) => stat !== undefined,
      () => true,
    );
    if (!mayBeReady) await host.remove(container, { recursive: true }).catch(() => undefined);
    throw failure;
  }
}

/**
 * Each step looks what is there: it may have been done before.
 * @returns the paths of those that were to be kept and that are there.
 */
export async function exchange(
  host: Host,
  folder: HostPath,
  { place, note }: { readonly place: StagingPlace; readonly note: ReadyNote; readonly signal?: AbortSignal },
): Promise<readonly string[]> {
  const { container, tree, aside } = place;
  const [staged, old, there] = await Promise.all([host.stat(tree), host.stat(aside), host.stat(folder)]);
  if (staged !== undefined) {
    if (there !== undefined && old === undefined)
      await orAsItWas(host, place, () => host.rename(folder, aside));
    await host.rename(tree, folder);
  }
  const isAside = note.kept.length > 0 && (await host.stat(aside)) !== undefined;
  const kept = isAside ? await moveKept(host, folder, { aside, note }) : [];
  await host.remove(container, { recursive: true });
  return kept;
}

/** A folder that cannot be moved (the root of a mount) stays, and nothing is left beside it. A host that is gone may have moved it: then the next one looks. */
async function orAsItWas(host: Host, { container }: StagingPlace, move: () => Promise<void>): Promise<void> {
  try {
    await move();
  } catch (failure) {
    const mayBeDone = failure instanceof HostError && failure.code === 'host-lost';
    if (!mayBeDone) await host.remove(container, { recursive: true }).catch(() => undefined);
    throw failure;
  }
}

async function moveKept(
  host: Host,
  folder: HostPath,
  { aside, note }: { readonly aside: HostPath; readonly note: ReadyNote },
): Promise<readonly string[]> {
  const kept = await eachOf(note.kept, async (path) => {
    const from = joinHostPath(aside, path);
    const to = joinHostPath(folder, path);
    const [old, taken] = await Promise.all([host.stat(from), host.stat(to)]);
    if (old === undefined || taken !== undefined) return taken === undefined ? [] : [path];
    return (await moved(host, from, to)) ? [path] : [];
  });
  await eachOf(note.times, async ([path, time]) => {
    await host.setModified(joinHostPath(folder, path), time);
    return [];
  });
  return kept;
}

/** What lies in a folder that its owner may not change goes with the folder as it was: it can be made again, and the restore is not held up for ever. */
async function moved(host: Host, from: HostPath, to: HostPath): Promise<boolean> {
  try {
    await host.rename(from, to);
    return true;
  } catch (failure) {
    if (failure instanceof HostError && failure.code === 'permission-denied') return false;
    throw failure;
  }
}

async function eachOf<T>(
  all: readonly T[],
  work: (each: T) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const done: string[] = [];
  for (let at = 0; at < all.length; at += AT_ONCE)
    done.push(...(await Promise.all(all.slice(at, at + AT_ONCE).map(work))).flat());
  return done;
}

function parseNote(text: string, place: StagingPlace): ReadyNote {
  try {
    const note = noteSchema.parse(JSON.parse(text));
    const paths = [...note.kept, ...note.times.map(([path]) => path)];
    if (paths.every((path) => !path.split('/').includes('..'))) return note;
  } catch {}
  const where = parentHostPath(place.ready);
  throw new SnapshotError(
    'refused-entry',
    `A restore that was not finished cannot be finished: ${where} holds a note that this program has not written. Look at it, and remove it.`,
  );
}
