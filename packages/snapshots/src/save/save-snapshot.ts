import { randomUUID } from 'node:crypto';
import type { BlobId, BlobStore } from '@seedbed/blob-store';
import type { Host, HostPath } from '@seedbed/host';
import { removeAll } from '../care/remove-blobs.ts';
import { createChunkTable } from '../compact/chunk-table.ts';
import { chunksOfFiles } from '../compact/entry-list.ts';
import type { Chunk } from '../content/chunk-content.ts';
import { readChunks } from '../content/chunk-reader.ts';
import { createPackWriter, type PackWriter } from '../content/pack-writer.ts';
import { releaseBytes } from '../content/release-bytes.ts';
import type { ChunkId, ChunkPlaces, Json, Manifest, RecordEntry } from '../manifest/manifest.ts';
import { storeManifest } from '../manifest/stored-manifest.ts';
import { asFailureOf } from '../removed-meanwhile.ts';
import { SnapshotError } from '../snapshot-error.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';
import { asSnapshotError } from '../store-failure.ts';
import { type EndState, liveBlobs, type SnapshotRow, type TaskHead } from '../task-head.ts';
import { commitSnapshot } from './commit.ts';
import { keepRecords, type RecordBody } from './keep-records.ts';
import { createKnownContent } from './known-content.ts';
import { listFolder } from './listing.ts';
import { chunksToMove, packUses } from './pack-care.ts';
import { type ReadFolder, readFolder } from './read-folder.ts';
import { NOTHING_SAVED, type SaveProgress } from './save-progress.ts';
import { settledTime } from './settled-time.ts';

export interface SavePlan {
  readonly task: string;
  readonly endState: EndState;
  readonly labels: Readonly<Record<string, string>>;
  readonly facts: Json;
  readonly records: Readonly<Record<string, RecordBody>>;
  readonly exclude: readonly string[];
  readonly required: readonly string[];
  readonly regenerable: () => Promise<readonly string[]>;
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly keep: number;
  readonly writer: string | undefined;
  readonly now: () => number;
  readonly onProgress?: (progress: SaveProgress) => void;
  readonly signal?: AbortSignal;
}

export interface SaveGround {
  readonly blobs: BlobStore;
  readonly index: SnapshotIndex;
  /** The head that the save begins with, and its last snapshot, which may be on its way. */
  readonly begun: TaskHead | undefined;
  readonly last: Promise<Manifest | undefined>;
}

export interface Saved {
  readonly row: SnapshotRow;
  readonly manifest: Manifest;
  readonly unstable: readonly string[];
  readonly head: TaskHead;
  readonly progress: SaveProgress;
}

/** Blobs carry this label, so that what a save left behind can be found again. */
export const TASK_LABEL = 'task';

/**
 * The order is what makes it safe: contents, then the manifest that names them, then the head that names the manifest. Until the last step there is nothing
 * but blobs that nobody names; they are removed when it fails, or swept when the program was killed.
 */
export async function saveSnapshot(
  host: Host,
  folder: HostPath,
  plan: SavePlan & SaveGround,
): Promise<Saved> {
  const { blobs, task, signal } = plan;
  const writer = createPackWriter(blobs, { labels: { [TASK_LABEL]: task }, ...(signal && { signal }) });
  const manifestId = blobs.createId();
  const attempt = `save ${JSON.stringify(task)}`;
  const own = (): ReadonlySet<BlobId> => new Set([...writer.packs, manifestId]);
  let uncommitted: Uncommitted;
  try {
    uncommitted = await storedThrough(writer, { host, folder, manifestId, plan });
  } catch (failure) {
    // What is still on its way would come behind the removal, and stay.
    await writer.giveUp();
    await removeAll(blobs, own());
    throw await asFailureOf(plan.index, failure, { task, head: plan.begun, attempt, signal });
  }
  try {
    const head = await commitSnapshot(plan.index, uncommitted.row, { ...plan, own: own() });
    return { ...uncommitted, head, progress: uncommitted.saved() };
  } catch (failure) {
    // After any other failure it may count all the same: then nothing of it may go.
    const isRefused = failure instanceof SnapshotError && failure.code === 'conflict';
    if (isRefused) await removeAll(blobs, await unnamed(plan.index, task, own()));
    throw asSnapshotError(failure, attempt);
  }
}

/** Those that no snapshot needs. An update whose answer was lost may have counted, and others have built on it before it was taken away. */
async function unnamed(
  index: SnapshotIndex,
  task: string,
  own: ReadonlySet<BlobId>,
): Promise<readonly BlobId[]> {
  try {
    const live = liveBlobs((await index.read(task))?.snapshots ?? []);
    return [...own].filter((id) => !live.has(id));
  } catch {
    // Then nobody knows: what is left is swept.
    return [];
  }
}

interface Uncommitted {
  readonly row: SnapshotRow;
  readonly manifest: Manifest;
  readonly unstable: readonly string[];
  readonly saved: () => SaveProgress;
}

interface Saving {
  readonly host: Host;
  readonly folder: HostPath;
  readonly manifestId: BlobId;
  readonly plan: SavePlan & SaveGround;
}

async function storedThrough(
  writer: PackWriter,
  { host, folder, manifestId, plan }: Saving,
): Promise<Uncommitted> {
  const { task, blobs, signal } = plan;
  const number = plan.begun?.nextNumber ?? 1;
  const begunMs = plan.now();
  const [last, listing] = await both(plan.last, listFolder(host, folder, plan));
  const listedMs = plan.now();
  const reporter = createReporter(writer, plan.onProgress);
  const take = async (id: ChunkId, chunk: Chunk): Promise<void> => {
    if (!last?.chunks.has(id) && !writer.has(id)) return await writer.add(id, chunk);
    reporter.known(chunk.bytes.length);
    if (chunk.isOwn) releaseBytes(chunk.bytes);
  };
  const read = await readFolder(host, folder, {
    ...plan,
    listing,
    known: createKnownContent(last, host.label),
    sink: { take, done: reporter.fileDone },
    onListed: reporter.listed,
  });
  const records = await keepRecords(plan.records, take);
  reporter.storing();
  const needed = (): Iterable<ChunkId> => neededChunks(read, records);
  const chunks = await placed(writer, needed, { ...plan, last });
  const manifest: Manifest = {
    ...{
      task,
      number,
      createdMs: plan.now(),
      endState: plan.endState,
      labels: plan.labels,
      facts: plan.facts,
    },
    host: { label: host.label, os: host.platform.os, arch: host.platform.arch },
    ...{ exclude: plan.exclude, leftOut: read.leftOut },
    // A time that was still to come, of a clock that was wrong once, would make every later change look long past.
    newestChangeMs: Math.min(read.newestChangeMs, begunMs),
    listedMs,
    settledMs: settledTime(last, { hostLabel: host.label, begunMs }),
    ...{ entries: read.entries, records, chunks },
  };
  const stored = await storeManifest(blobs, manifest, {
    id: manifestId,
    labels: { [TASK_LABEL]: task },
    ...(signal && { signal }),
  });
  const row: SnapshotRow = {
    ...{ number, saveId: randomUUID(), createdMs: manifest.createdMs, endState: plan.endState },
    ...{ labels: plan.labels, host: host.label, entries: read.entries.length, bytes: read.bytes },
    ...(plan.writer === undefined ? {} : { writer: plan.writer }),
    manifest: stored.blob,
    manifestDigest: stored.digest,
    packs: packUses(chunks, packSizes(chunks, plan.begun, writer)),
  };
  return { row, manifest, unstable: read.unstable, saved: reporter.saved };
}

/** Waits for both also where one fails, so that nothing goes on behind a save that has ended. */
async function both<A, B>(a: Promise<A>, b: Promise<B>): Promise<readonly [A, B]> {
  await Promise.allSettled([a, b]);
  return [await a, await b];
}

/** Also more than once. */
function* neededChunks(read: ReadFolder, records: readonly RecordEntry[]): Generator<ChunkId> {
  yield* chunksOfFiles(read.entries);
  for (const { chunks } of records) yield* chunks;
}

/** Where every chunk lies that is needed, once packs of which little is needed any more were packed anew. */
async function placed(
  writer: PackWriter,
  needed: () => Iterable<ChunkId>,
  {
    last,
    begun,
    blobs,
    task,
    signal,
  }: SavePlan & Omit<SaveGround, 'last'> & { readonly last: Manifest | undefined },
): Promise<ChunkPlaces> {
  const old = createChunkTable();
  for (const id of last === undefined ? [] : needed()) {
    const place = writer.has(id) ? undefined : last?.chunks.get(id);
    if (place !== undefined) old.add(id, place);
  }
  const moved = chunksToMove(old, knownSizes(begun));
  const reading = {
    places: old,
    what: `the last snapshot of ${JSON.stringify(task)}`,
    ...(signal && { signal }),
  };
  for await (const { id, bytes } of readChunks(blobs, moved, reading))
    await writer.add(id, { bytes, isOwn: false });
  const fresh = await writer.finish();
  if (fresh.size === 0) return old;
  const places = createChunkTable();
  for (const id of needed()) {
    const place = fresh.get(id) ?? old.get(id);
    if (place !== undefined) places.add(id, place);
  }
  return places;
}

function knownSizes(head: TaskHead | undefined): ReadonlyMap<BlobId, number> {
  return new Map(
    head?.snapshots.flatMap(({ packs }) => packs.map(({ blob, bytes }) => [blob, bytes] as const)),
  );
}

function packSizes(
  chunks: ChunkPlaces,
  begun: TaskHead | undefined,
  writer: PackWriter,
): ReadonlyMap<BlobId, number> {
  const sizes = new Map(knownSizes(begun));
  const own = new Set(writer.packs);
  // A new pack holds nothing but what this snapshot needs.
  for (const { pack, offset, storedBytes } of chunks.places())
    if (own.has(pack)) sizes.set(pack, Math.max(sizes.get(pack) ?? 0, offset + storedBytes));
  return sizes;
}

interface Reporter {
  readonly listed: (listing: { files: number; bytes: number; toRead: number; bytesToRead: number }) => void;
  readonly fileDone: (readBytes: number, knownBytes: number) => void;
  readonly known: (bytes: number) => void;
  readonly storing: () => void;
  readonly saved: () => SaveProgress;
}

function createReporter(
  writer: PackWriter,
  onProgress: ((progress: SaveProgress) => void) | undefined,
): Reporter {
  let progress = NOTHING_SAVED;
  const say = (change: Partial<SaveProgress>): void => {
    progress = { ...progress, ...change, storedBytes: writer.storedBytes };
    onProgress?.(progress);
  };
  return {
    listed({ files, bytes, toRead, bytesToRead }) {
      const known = { files: files - toRead, bytes: bytes - bytesToRead };
      say({ phase: 'reading', ...known, totalFiles: files, totalBytes: bytes, knownBytes: known.bytes });
    },
    fileDone(readBytes, knownBytes) {
      say({
        files: Math.min(progress.files + 1, progress.totalFiles),
        bytes: Math.min(progress.bytes + readBytes + knownBytes, progress.totalBytes),
        readBytes: progress.readBytes + readBytes,
        knownBytes: progress.knownBytes + knownBytes,
      });
    },
    known(bytes) {
      progress = { ...progress, knownBytes: progress.knownBytes + bytes };
    },
    storing: () => say({ phase: 'storing' }),
    saved() {
      say({ phase: 'saved', files: progress.totalFiles, bytes: progress.totalBytes });
      return progress;
    },
  };
}
