import { type Host, HostError, type HostPath, unpackDirectory } from '@seedbed/host';
import { listFolder } from '../save/listing.ts';
import { SnapshotError } from '../snapshot-error.ts';
import { refuseForeignPlace } from './foreign-place.ts';
import { refuseMounts, refuseOtherDevices } from './refuse-mounts.ts';
import { exchange, settleRestore } from './settle-restore.ts';
import { stagingPlace } from './staging-place.ts';

export interface RestoreArchiveOptions {
  /** What becomes of a link that leads out of the folder: the whole archive is refused, or the link is left out and said. `refuse` by default. */
  readonly outsideLinks?: 'refuse' | 'leave-out';
  /** 1,000,000 by default. */
  readonly maxEntries?: number;
  /** Of all files together. 64 GiB by default. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
}

export interface RestoredArchive {
  readonly entries: number;
  readonly bytes: number;
  /** Links that led out. */
  readonly leftOut: readonly string[];
}

const DEFAULT_MAX_ENTRIES = 1_000_000;
const DEFAULT_MAX_BYTES = 64 * 1024 ** 3;

/**
 * Makes a folder what a tar archive holds, in one step at the end: whatever fails before leaves the folder as it was.
 * @throws {SnapshotError} `refused-entry` for an archive that is damaged or holds what must not be unpacked, `limit-exceeded`, `aborted`. @throws {HostError}
 */
export async function restoreArchive(
  host: Host,
  folder: HostPath,
  { archive, ...options }: RestoreArchiveOptions & { readonly archive: ReadableStream<Uint8Array> },
): Promise<RestoredArchive> {
  const { signal } = options;
  await settleRestore(host, folder, signal && { signal });
  const place = stagingPlace(folder);
  const leftOut: string[] = [];
  try {
    await lookForMounts(host, folder, signal);
    await host.makeDirectory(place.container, { mode: 0o700 });
    await refuseForeignPlace(host, place);
    const unpacked = await unpackDirectory(host, place.tree, archive, {
      outsideLinks: options.outsideLinks ?? 'refuse',
      onLeftOut: (path) => void leftOut.push(path),
      maxEntries: options.maxEntries ?? DEFAULT_MAX_ENTRIES,
      maxBytes: options.maxBytes ?? DEFAULT_MAX_BYTES,
      ...(signal && { signal }),
    });
    const note = { snapshot: 'an archive', kept: [], times: [] };
    await host.writeFile(place.ready, JSON.stringify(note), { mode: 0o600 });
    await exchange(host, folder, { place, note });
    return { ...unpacked, leftOut };
  } catch (failure) {
    if ((await host.stat(place.ready).catch(() => undefined)) === undefined)
      await host.remove(place.container, { recursive: true }).catch(() => undefined);
    throw asArchiveFailure(failure, signal);
  }
}

async function lookForMounts(host: Host, folder: HostPath, signal: AbortSignal | undefined): Promise<void> {
  const stat = await host.stat(folder);
  if (stat?.kind !== 'directory' || (await refuseMounts(host, folder))) return;
  const listing = await listFolder(host, folder, {
    ...{ exclude: [], regenerable: async () => [], required: [] },
    ...{ maxEntries: Number.MAX_SAFE_INTEGER, maxBytes: Number.POSITIVE_INFINITY },
    ...(signal && { signal }),
  });
  await refuseOtherDevices(host, folder, { stat, listing, tellsMounts: false });
}

function asArchiveFailure(failure: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted)
    return new SnapshotError('aborted', 'Restoring an archive was given up.', { cause: signal.reason });
  if (!(failure instanceof HostError)) return failure;
  if (failure.cause instanceof SnapshotError) return failure.cause;
  if (failure.code === 'invalid-archive')
    return new SnapshotError('refused-entry', failure.message, { cause: failure });
  if (failure.code === 'limit-exceeded')
    return new SnapshotError('limit-exceeded', failure.message, { cause: failure });
  return failure;
}
