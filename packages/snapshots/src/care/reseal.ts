import type { BlobId, BlobStore, Keyring } from '@seedbed/blob-store';
import { createChunkTable } from '../compact/chunk-table.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { loadManifest, storeManifest } from '../manifest/stored-manifest.ts';
import { asFailureOf } from '../removed-meanwhile.ts';
import { TASK_LABEL } from '../save/save-snapshot.ts';
import { SnapshotError } from '../snapshot-error.ts';
import { liveBlobs, type SnapshotRow, type TaskHead } from '../task-head.ts';
import type { Stores } from './prune.ts';
import { removeAll, removeCondemned } from './remove-blobs.ts';

export interface ResealReport {
  /** Blobs that were sealed under another key, and now are under the current one. */
  readonly resealed: number;
  readonly bytes: number;
  /** Why what is under the old key could not be removed now; the next save or `prune` does it. */
  readonly cleanup?: unknown;
}

export interface ResealStores extends Stores {
  /** The same blobs as `blobs`, as they lie in the store. */
  readonly raw: BlobStore;
  readonly keyring: Keyring;
}

/** More than the head of a sealed blob, which names its key. */
const HEAD_BYTES = 256;

/**
 * Writes everything of a task anew that is sealed under another key than the current one. The old blobs go when the head names the new ones: one update.
 * @throws {SnapshotError} `conflict` when the task was changed meanwhile, `damaged`, `wrong-key`, `store-failed`, `aborted`.
 */
export async function resealTask(
  stores: ResealStores,
  head: TaskHead,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<ResealReport> {
  const { index, blobs } = stores;
  const withSignal = signal && { signal };
  const own = new Set<BlobId>();
  const attempt = `seal ${JSON.stringify(head.task)} anew`;
  let sealed: { readonly next: TaskHead; readonly resealed: number; readonly bytes: number } | undefined;
  try {
    sealed = await sealedAnew(stores, head, { own, signal });
  } catch (failure) {
    await removeAll(blobs, own);
    throw await asFailureOf(index, failure, { task: head.task, head, attempt, signal });
  }
  if (sealed === undefined) return { resealed: 0, bytes: 0 };
  const { next, ...report } = sealed;
  // A failure here leaves open whether it counts: then nothing of it may go.
  const isWritten = await index.write(next, head.revision, withSignal);
  if (!isWritten && !(await counts(index, own, { task: head.task, signal }))) {
    await removeAll(blobs, own);
    throw new SnapshotError(
      'conflict',
      `The task ${JSON.stringify(head.task)} was changed while it was sealed anew. Try again.`,
    );
  }
  try {
    await removeCondemned(index, blobs, { head: next, ...withSignal });
    return report;
  } catch (failure) {
    return { ...report, cleanup: failure };
  }
}

/** The head with everything that was under another key written anew; `undefined` where there is nothing of the kind. */
async function sealedAnew(
  stores: ResealStores,
  head: TaskHead,
  { own, signal }: Omit<Renaming, 'task'>,
): Promise<{ readonly next: TaskHead; readonly resealed: number; readonly bytes: number } | undefined> {
  const old = await sealedOtherwise(stores, head, signal);
  if (old.size === 0) return undefined;
  const packs = new Set(head.snapshots.flatMap((row) => row.packs.map(({ blob }) => blob)));
  const moved = await copied(
    stores,
    [...packs].filter((id) => old.has(id)),
    { own, task: head.task, signal },
  );
  const rows: SnapshotRow[] = [];
  for (const row of head.snapshots)
    rows.push(await renamed(stores, head.task, { row, moved: moved.ids, old, own, signal }));
  const live = liveBlobs(rows);
  const freed = [...liveBlobs(head.snapshots)].filter((id) => !live.has(id));
  const condemned = [...new Set([...head.condemned, ...freed])];
  const next = { ...head, snapshots: rows, condemned, revision: head.revision + 1 };
  return { next, resealed: freed.length, bytes: moved.bytes };
}

/** An update whose answer was lost may have been sent again, and found its own work done. */
async function counts(
  index: Stores['index'],
  own: ReadonlySet<BlobId>,
  { task, signal }: Omit<Renaming, 'own'>,
): Promise<boolean> {
  const head = await index.read(task, signal && { signal });
  return [...liveBlobs(head?.snapshots ?? [])].some((id) => own.has(id));
}

async function sealedOtherwise(
  { raw, keyring }: ResealStores,
  head: TaskHead,
  signal: AbortSignal | undefined,
): Promise<ReadonlySet<BlobId>> {
  const old = new Set<BlobId>();
  for (const id of liveBlobs(head.snapshots)) {
    const size = (await raw.stat(id, signal && { signal }))?.size ?? 0;
    const length = Math.min(HEAD_BYTES, size);
    const beginning = await collect(await raw.open(id, { length, ...(signal && { signal }) }));
    if (keyring.keyIdOf(beginning) !== keyring.current) old.add(id);
  }
  return old;
}

interface Renaming {
  readonly own: Set<BlobId>;
  readonly task: string;
  readonly signal: AbortSignal | undefined;
}

async function copied(
  { blobs }: ResealStores,
  packs: readonly BlobId[],
  { own, task, signal }: Renaming,
): Promise<{ readonly ids: ReadonlyMap<BlobId, BlobId>; readonly bytes: number }> {
  const ids = new Map<BlobId, BlobId>();
  let bytes = 0;
  for (const pack of packs) {
    const id = blobs.createId();
    own.add(id);
    const labels = { [TASK_LABEL]: task };
    await blobs.put(await blobs.open(pack, signal && { signal }), { id, labels, ...(signal && { signal }) });
    bytes += (await blobs.stat(id, signal && { signal }))?.size ?? 0;
    ids.set(pack, id);
  }
  return { ids, bytes };
}

async function renamed(
  { blobs }: ResealStores,
  task: string,
  {
    row,
    moved,
    old,
    own,
    signal,
  }: Omit<Renaming, 'task'> & {
    readonly row: SnapshotRow;
    readonly moved: ReadonlyMap<BlobId, BlobId>;
    readonly old: ReadonlySet<BlobId>;
  },
): Promise<SnapshotRow> {
  const isMoved = row.packs.some(({ blob }) => moved.has(blob));
  if (!isMoved && !old.has(row.manifest)) return row;
  const now = (id: BlobId): BlobId => moved.get(id) ?? id;
  const manifest = await loadManifest(blobs, task, { row, ...(signal && { signal }) });
  const chunks = createChunkTable();
  for (const [id, place] of manifest.chunks) chunks.add(id, { ...place, pack: now(place.pack) });
  const changed: Manifest = { ...manifest, chunks };
  const id = blobs.createId();
  own.add(id);
  const labels = { [TASK_LABEL]: task };
  const { digest } = await storeManifest(blobs, changed, { id, labels, ...(signal && { signal }) });
  const packs = row.packs.map((use) => ({ ...use, blob: now(use.blob) }));
  return { ...row, manifest: id, manifestDigest: digest, packs };
}

async function collect(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return await new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).bytes();
}
