import type { BlobId } from '@seedbed/blob-store';
import type { PathList } from '../compact/path-list.ts';
import type { EndState } from '../task-head.ts';

/** SHA-256 of a chunk as it was read, base64url. Equal content has equal ids, whoever saves it. */
export type ChunkId = string;

/** Where a chunk lies. */
export interface ChunkPlace {
  readonly pack: BlobId;
  /** From the beginning of the pack. */
  readonly offset: number;
  /** Bytes in the pack. */
  readonly storedBytes: number;
  /** Bytes as they were read. */
  readonly bytes: number;
  readonly codec: 'zstd' | 'none';
}

/** Where chunks lie, in the order in which they were added. */
export interface ChunkPlaces extends Iterable<readonly [ChunkId, ChunkPlace]> {
  readonly size: number;
  has(id: ChunkId): boolean;
  get(id: ChunkId): ChunkPlace | undefined;
  /** Without their ids. */
  places(): Iterable<ChunkPlace>;
  /** Which it is of them, from 0 on. */
  positionOf(id: ChunkId): number | undefined;
  /** The id of the one that was added there. */
  idAt(position: number): ChunkId | undefined;
}

export interface DirectoryEntry {
  readonly kind: 'directory';
  /** From the folder, without a leading slash; bytes that are not UTF-8 as in `HostPath`. */
  readonly path: string;
  /** Permission bits, without setuid, setgid and sticky. */
  readonly mode: number;
  readonly modifiedMs: number;
}

export interface LinkEntry {
  readonly kind: 'symlink';
  readonly path: string;
  readonly modifiedMs: number;
  /** What the link says, verbatim. It may lead anywhere; nothing is ever written through it. */
  readonly target: string;
}

export interface FileEntry {
  readonly kind: 'file';
  readonly path: string;
  readonly mode: number;
  readonly modifiedMs: number;
  readonly size: number;
  /** The content in order: all but the last are `CHUNK_BYTES` long. */
  readonly chunks: readonly ChunkId[];
  /** SHA-256 of the content, in hex. */
  readonly digest: string;
  /** SHA-256 of all whole chunks, in hex: by it a file that has only grown is recognised. */
  readonly wholeChunksDigest?: string;
  /** By these an unchanged file is recognised on the host that it was read from. */
  readonly identity: string;
  readonly changedMs: number;
  /** It was written to each time it was read: the content may be of several moments. */
  readonly unstable?: true;
}

/** Another name of a file that comes earlier. */
export interface HardLinkEntry {
  readonly kind: 'hard-link';
  readonly path: string;
  readonly target: string;
}

export type SnapshotEntry = DirectoryEntry | LinkEntry | FileEntry | HardLinkEntry;

/**
 * Why something of the folder is not in the snapshot: `excluded` by the caller's list, `regenerable` by the agent's own list because the folder was too large,
 * `special` (a device, pipe or socket), `unreadable`, `gone` while it was read.
 */
export type LeftOutReason = 'excluded' | 'regenerable' | 'special' | 'unreadable' | 'gone';

export interface LeftOut {
  readonly path: string;
  readonly reason: LeftOutReason;
}

/** Any JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** Bytes that belong to a snapshot and not to the folder, for example the log of a conversation. */
export interface RecordEntry {
  readonly name: string;
  readonly size: number;
  readonly chunks: readonly ChunkId[];
}

/** Label of the host on which identity and times of a snapshot's files mean something. */
export function hostOfMarks({ host, restoredOn }: Manifest): string {
  return restoredOn ?? host.label;
}

/** What a snapshot is. */
export interface Manifest {
  readonly task: string;
  readonly number: number;
  readonly createdMs: number;
  readonly endState: EndState;
  readonly labels: Readonly<Record<string, string>>;
  /** That it was saved from. */
  readonly host: { readonly label: string; readonly os: string; readonly arch: string };
  /** Label of the host whose marks the files have since they were restored there. Only remembered, never stored. */
  readonly restoredOn?: string;
  /** What the caller wants to know again at a restore: thread, policy, model, versions. */
  readonly facts: Json;
  /** The globs by which paths were left out. */
  readonly exclude: readonly string[];
  readonly leftOut: readonly LeftOut[];
  /** The latest change in the folder when it was listed, on its host's clock: what changed about then may have changed again unnoticed. */
  readonly newestChangeMs: number;
  /** When that was, on the program's clock. */
  readonly listedMs: number;
  /** What was changed until then, on the host's clock, cannot have changed again about that time unnoticed: it had passed when the folder was listed. */
  readonly settledMs: number;
  /** Each folder before what is in it. */
  readonly entries: PathList<SnapshotEntry>;
  readonly records: readonly RecordEntry[];
  readonly chunks: ChunkPlaces;
}

/** Only the last chunk of a file is shorter. Large enough that few are needed, small enough that a change costs little and a few fit into memory. */
export const CHUNK_BYTES = 1_048_576;
