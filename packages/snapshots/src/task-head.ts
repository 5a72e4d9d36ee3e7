import type { BlobId } from '@seedbed/blob-store';
import { z } from 'zod';
import { SnapshotError } from './snapshot-error.ts';

/** How a task stood when it was saved. `checkpoint`: it ran on. */
export type EndState = 'done' | 'failed' | 'cancelled' | 'checkpoint';

/** A pack that a snapshot needs something of. */
export interface PackUse {
  readonly blob: BlobId;
  /** Bytes of the whole pack. */
  readonly bytes: number;
  /** Bytes of it that this snapshot needs. */
  readonly usedBytes: number;
}

/** What is known of a snapshot without opening it. It is not sealed. */
export interface SnapshotRow {
  /** `1`, `2`, …: the order in which a task was saved. */
  readonly number: number;
  /** Chosen by the save: by it a save recognises itself after an answer was lost. */
  readonly saveId: string;
  /** Who made it, where it was said. */
  readonly writer?: string;
  readonly createdMs: number;
  readonly endState: EndState;
  readonly labels: Readonly<Record<string, string>>;
  /** Of the host that it was saved from. */
  readonly host: string;
  readonly entries: number;
  /** Of all files together. */
  readonly bytes: number;
  readonly manifest: BlobId;
  /** SHA-256 of the manifest as it was before it was sealed, in hex. */
  readonly manifestDigest: string;
  readonly packs: readonly PackUse[];
}

/**
 * All that decides what there is of a task, in one document: whatever changes it names the revision that it read, so that of two changes one is refused.
 * Blobs that no head names do not count.
 */
export interface TaskHead {
  readonly task: string;
  /** Grows with each change. */
  readonly revision: number;
  /** That of the next snapshot; none is given twice. */
  readonly nextNumber: number;
  /** Grows when blobs that no head names are removed: a save that ran meanwhile has to look whether its own are still there. */
  readonly sweeps: number;
  /** The oldest first. */
  readonly snapshots: readonly SnapshotRow[];
  /** Blobs that nothing needs any more and that may be gone: no save may build on them. */
  readonly condemned: readonly BlobId[];
}

const blobId = z.custom<BlobId>((value) => typeof value === 'string' && /^[A-Za-z0-9_-]{1,128}$/.test(value));
const count = z.int().nonnegative();

const rowSchema = z.object({
  number: z.int().positive(),
  saveId: z.string(),
  writer: z.string().exactOptional(),
  createdMs: z.number(),
  endState: z.enum(['done', 'failed', 'cancelled', 'checkpoint']),
  labels: z.record(z.string(), z.string()),
  host: z.string(),
  entries: count,
  bytes: count,
  manifest: blobId,
  manifestDigest: z.string().regex(/^[0-9a-f]{64}$/),
  packs: z.array(z.object({ blob: blobId, bytes: count, usedBytes: count })),
});

const headSchema: z.ZodType<TaskHead> = z.object({
  task: z.string(),
  revision: z.int().positive(),
  nextNumber: z.int().positive(),
  sweeps: count,
  snapshots: z.array(rowSchema),
  condemned: z.array(blobId),
});

/** @param label of the index that it was read from. @throws {SnapshotError} `damaged` for what no version of this package has written. */
export function parseTaskHead(text: string, { task, label }: { task: string; label: string }): TaskHead {
  try {
    return headSchema.parse(JSON.parse(text));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
    throw new SnapshotError(
      'damaged',
      `What ${label} says of ${JSON.stringify(task)} is not what was written there. Put it back, or delete it: then the task was never saved. ${why}`,
      { cause },
    );
  }
}

/** @throws {SnapshotError} `invalid-config` for what could not be read again. */
export function formatTaskHead(head: TaskHead): string {
  const checked = headSchema.safeParse(head);
  if (checked.success) return JSON.stringify(head);
  const why = z.prettifyError(checked.error);
  throw new SnapshotError('invalid-config', `${JSON.stringify(head.task)} cannot be noted so: ${why}`);
}

/** Whether a task has any snapshot, as far as its head tells: one that cannot be read may. */
export function mayHaveSnapshots(text: string): boolean {
  try {
    return headSchema.parse(JSON.parse(text)).snapshots.length > 0;
  } catch {
    return true;
  }
}

export function emptyHead(task: string): TaskHead {
  return { task, revision: 0, nextNumber: 1, sweeps: 0, snapshots: [], condemned: [] };
}

/** Every blob that the snapshots of a task need. */
export function liveBlobs(snapshots: readonly SnapshotRow[]): Set<BlobId> {
  return new Set(snapshots.flatMap(({ manifest, packs }) => [manifest, ...packs.map(({ blob }) => blob)]));
}

/** The head with these snapshots and no others; what they alone needed is condemned. */
export function withSnapshots(head: TaskHead, snapshots: readonly SnapshotRow[]): TaskHead {
  const live = liveBlobs(snapshots);
  const freed = [...liveBlobs(head.snapshots)].filter((blob) => !live.has(blob));
  return { ...head, snapshots, condemned: [...new Set([...head.condemned, ...freed])] };
}
