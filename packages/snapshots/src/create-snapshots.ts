import { sealBlobs } from '@seedbed/blob-store';
import { type Host, HostError, type HostPath, joinHostPath, readText } from '@seedbed/host';
import { diffManifests } from './care/diff.ts';
import { keepOnly, removeTask, sweepTask } from './care/prune.ts';
import { removeCondemned } from './care/remove-blobs.ts';
import { resealTask } from './care/reseal.ts';
import { verifyContent } from './care/verify.ts';
import { DEFAULT_EXCLUDE } from './default-exclude.ts';
import type { Manifest } from './manifest/manifest.ts';
import { createManifestMemory } from './manifest/manifest-memory.ts';
import { type OpenedSnapshot, recordBytes } from './record-bytes.ts';
import { restamped } from './restore/restamped.ts';
import { restoreFolder } from './restore/restore-folder.ts';
import { settleRestore } from './restore/settle-restore.ts';
import { refuseLostPaths, withoutRequired } from './save/check-exclude.ts';
import { refuseCount, refuseSaveOptions } from './save/check-options.ts';
import { refuseOvertaken } from './save/follows.ts';
import { saveSnapshot } from './save/save-snapshot.ts';
import { refuseTaskName } from './save/task-name.ts';
import { SnapshotError } from './snapshot-error.ts';
import type {
  SaveSnapshotOptions,
  ShownSnapshot,
  SnapshotRef,
  Snapshots,
  SnapshotsOptions,
} from './snapshots.ts';
import type { SnapshotRow, TaskHead } from './task-head.ts';
import { withRow } from './with-row.ts';

const DEFAULT_KEEP = 5;
const DEFAULT_MAX_ENTRIES = 1_000_000;
const ORPHANS_AFTER_MS = 24 * 60 * 60 * 1000;
const MAX_REGENERABLE_BYTES = 64 * 1024;

/** Does no I/O. @throws {SnapshotError} `invalid-config` */
export function createSnapshots({
  index,
  blobs: raw,
  encryption,
  now = Date.now,
}: SnapshotsOptions): Snapshots {
  if (encryption !== 'plaintext' && typeof encryption?.frames !== 'function')
    throw new SnapshotError(
      'invalid-config',
      `encryption must be a keyring, or the word "plaintext"; it is ${typeof encryption}.`,
    );
  const blobs = sealBlobs(raw, encryption);
  const memory = createManifestMemory(blobs);
  const stores = { index, blobs };

  const opened = (ref: SnapshotRef, signal: AbortSignal | undefined): Promise<OpenedSnapshot> =>
    withRow(index, ref, {
      work: async (row) => ({
        row,
        manifest: await memory.load(ref.task, { row, ...(signal && { signal }) }),
      }),
      signal,
    });

  async function cleanup(
    head: TaskHead,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly cleanup?: unknown }> {
    if (head.condemned.length === 0) return {};
    try {
      await removeCondemned(index, blobs, { head, ...(signal && { signal }) });
      return {};
    } catch (failure) {
      return { cleanup: failure };
    }
  }

  return {
    async save(host, folder, options) {
      const { task, signal, exclude = DEFAULT_EXCLUDE, required = [], keep = DEFAULT_KEEP } = options;
      refuseTaskName(task);
      refuseSaveOptions(options);
      refuseLostPaths(exclude, required);
      await settleRestore(host, folder, signal && { signal });
      const begun = await index.read(task, signal && { signal });
      refuseOvertaken(task, begun, options.follows);
      const latest = begun?.snapshots.at(-1);
      const last = latest
        ? memory.load(task, { row: latest, ...(signal && { signal }) })
        : Promise.resolve(undefined);
      const { row, manifest, unstable, head, progress } = await saveSnapshot(host, folder, {
        ...{ blobs, index, begun, last, task, required, now },
        exclude: withoutRequired(exclude, required),
        keep,
        endState: options.endState ?? 'checkpoint',
        labels: options.labels ?? {},
        facts: options.facts ?? null,
        records: options.records ?? {},
        writer: options.follows?.writer,
        regenerable: () => regenerableGlobs(host, folder, options),
        maxEntries: options.maxEntries ?? DEFAULT_MAX_ENTRIES,
        maxBytes: options.maxBytes ?? Number.POSITIVE_INFINITY,
        ...(options.onProgress && { onProgress: options.onProgress }),
        ...(signal && { signal }),
      });
      memory.keep(row, manifest);
      return {
        snapshot: row,
        leftOut: manifest.leftOut,
        unstable,
        progress,
        ...(await cleanup(head, signal)),
      };
    },
    async list(task, { signal } = {}) {
      return (await index.read(task, signal && { signal }))?.snapshots ?? [];
    },
    async *tasks(options) {
      yield* index.tasks(options);
    },
    async show(ref, { signal } = {}) {
      const { row, manifest } = await opened(ref, signal);
      return shown(row, manifest);
    },
    async diff(from, to, { signal } = {}) {
      const [a, b] = await Promise.all([opened(from, signal), opened(to, signal)]);
      return diffManifests(a.manifest, b.manifest);
    },
    async openRecord(ref, name, { signal } = {}) {
      const reopen = (again: SnapshotRef): Promise<OpenedSnapshot> => opened(again, signal);
      const snapshot = await opened(ref, signal);
      return ReadableStream.from(recordBytes(stores, snapshot, { name, reopen, ...(signal && { signal }) }));
    },
    async restore(host, folder, options) {
      const { signal, task } = options;
      const settled = await settleRestore(host, folder, signal && { signal });
      // What is damaged is found before anything in the folder changes: then it can be done again.
      const { row, manifest, restored } = await withRow(index, options, {
        async work(row) {
          const manifest = await memory.load(task, { row, ...(signal && { signal }) });
          const restored = await restoreFolder(host, folder, {
            ...{ manifest, blobs, what: nameOf(task, row) },
            rootMode: options.mode ?? 0o700,
            keepExcluded: options.keepExcluded ?? true,
            ...(options.onProgress && { onProgress: options.onProgress }),
            ...(signal && { signal }),
          });
          return { row, manifest, restored };
        },
        signal,
      });
      memory.keep(row, restamped(manifest, restored.listing, { hostLabel: host.label, listedMs: now() }));
      const { fetchedBytes, reusedBytes, kept } = restored;
      return { ...shown(row, manifest), fetchedBytes, reusedBytes, kept, settled };
    },
    async verify(ref, { signal } = {}) {
      return await withRow(index, ref, {
        async work(row) {
          const manifest = await memory.loadAnew(ref.task, { row, ...(signal && { signal }) });
          const what = nameOf(ref.task, row);
          return await verifyContent(blobs, manifest, { what, ...(signal && { signal }) });
        },
        isDamaged: ({ damaged }) => damaged.length > 0,
        signal,
      });
    },
    delete: (task, number, { signal } = {}) =>
      keepOnly(stores, task, { isKept: (row) => row.number !== number, ...(signal && { signal }) }),
    async prune(task, { keep = DEFAULT_KEEP, orphansAfterMs = ORPHANS_AFTER_MS, signal } = {}) {
      refuseCount('keep', keep, 1);
      refuseCount('orphansAfterMs', orphansAfterMs, Number.MIN_SAFE_INTEGER);
      const first = (all: readonly SnapshotRow[]): number => Math.max(0, all.length - keep);
      const isKept = (_: SnapshotRow, position: number, all: readonly SnapshotRow[]): boolean =>
        position >= first(all);
      const pruned = await keepOnly(stores, task, { isKept, orEmpty: true, ...(signal && { signal }) });
      const swept = await sweepTask(stores, task, {
        olderThanMs: orphansAfterMs,
        now,
        ...(signal && { signal }),
      });
      return { ...pruned, blobs: pruned.blobs + swept };
    },
    async remove(task, { signal } = {}) {
      refuseTaskName(task);
      memory.forget(task);
      await removeTask(stores, task, signal && { signal });
    },
    async reseal(task, { signal } = {}) {
      if (encryption === 'plaintext')
        throw new SnapshotError('invalid-config', 'Nothing can be sealed anew: encryption is "plaintext".');
      const head = await index.read(task, signal && { signal });
      if (head === undefined)
        throw new SnapshotError('not-found', `There is no snapshot of ${JSON.stringify(task)}.`);
      memory.forget(task);
      return await resealTask({ ...stores, raw, keyring: encryption }, head, signal && { signal });
    },
  };
}

function shown(snapshot: SnapshotRow, manifest: Manifest): ShownSnapshot {
  const { host, facts, exclude, leftOut } = manifest;
  const entries = [...manifest.entries];
  const records = manifest.records.map(({ name, size }) => ({ name, size }));
  return { snapshot, host, facts, exclude, leftOut, entries, records };
}

function nameOf(task: string, { number }: SnapshotRow): string {
  return `snapshot ${number} of ${JSON.stringify(task)}`;
}

/** By an agent: read as far as it is reasonable. */
async function regenerableGlobs(
  host: Host,
  folder: HostPath,
  { regenerableFile, signal }: SaveSnapshotOptions,
): Promise<readonly string[]> {
  if (regenerableFile === undefined) return [];
  try {
    const file = await host.canonicalize(joinHostPath(folder, regenerableFile), { within: folder });
    const text = await readText(host, file, { maxBytes: MAX_REGENERABLE_BYTES, ...(signal && { signal }) });
    return text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('#'));
  } catch (failure) {
    if (failure instanceof HostError && failure.code !== 'host-lost' && failure.code !== 'aborted') return [];
    throw failure;
  }
}
