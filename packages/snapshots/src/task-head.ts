import type { BlobId } from '@seedbed/blob-store';
import { z } from 'zod';

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

/** @throws {z.ZodError} for what no version of this package has written. */
export function parseTaskHead(input: unknown): TaskHead {
  return headSchema.parse(input);
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
