import type { Host, HostPath } from '@seedbed/host';
import type { CacheLimits } from './cache-limits.ts';
import type { Artifact, Release } from './release.ts';

/**
 * What is being done. `bytes` and `totalBytes` count within the phase; the total is absent while it is unknown.
 * `download` brings an archive to this program, `push` from here to the host, `fetch` to the host without this program; `wait` is for another program that
 * brings the same archive to the same host, and counts what is there.
 */
export interface BinaryProgress {
  readonly phase: 'resolve' | 'download' | 'wait' | 'push' | 'fetch' | 'unpack' | 'verify' | 'ready';
  readonly bytes: number;
  readonly totalBytes?: number;
}

/**
 * Why what a source gives may be trusted.
 * `digest`: its bytes have the digest that the release pins (the cache checks it). `functional`: the operator vouches for the place,
 * and the program proves product and version by what it prints; `tag` keeps the entries of different places apart.
 */
export type Evidence = { readonly kind: 'digest' } | { readonly kind: 'functional'; readonly tag: string };

export interface SourceRequest {
  readonly host: Host;
  readonly release: Release;
  readonly artifact: Artifact;
  readonly limits: CacheLimits;
  /** An existing folder on the host, of this installation alone; it is removed afterwards. */
  readonly scratch: HostPath;
  readonly signal: AbortSignal;
  readonly report: (progress: BinaryProgress) => void;
}

/** A tar archive within reach of this program, whatever host it is meant for. It can be read several times. */
export interface ArchivePayload {
  readonly kind: 'archive';
  readonly compression: 'gzip' | 'none';
  /** Bytes of the archive as `open` gives them, where known. */
  readonly bytes?: number;
  open(): ReadableStream<Uint8Array>;
}

/** Where a host may fetch an archive itself. */
export interface ArchiveAddress {
  /** `http:` or `https:`, without credentials: the host's users may see it. */
  readonly url: string;
  readonly compression: 'gzip' | 'none';
}

/** A tree that is on the host already and is to be copied there. */
export interface HostTreePayload {
  readonly kind: 'host-tree';
  readonly path: HostPath;
}

/** A place that binaries come from. */
export interface BinarySource {
  /** For people: `npm registry`. */
  readonly name: string;
  readonly origin: 'downloaded' | 'adopted' | 'file';
  readonly evidence: Evidence;
  /**
   * Gives what the cache is to install.
   * @throws {BinaryCacheError} `source-refused`, `not-in-registry` and `download-failed` let the next source try; any other code ends it.
   */
  obtain(request: SourceRequest): Promise<ArchivePayload | HostTreePayload>;
  /**
   * Gives the address of the archive with the pinned digest, for hosts that fetch it themselves. Absent where there is none.
   * @throws {BinaryCacheError} as `obtain`; `source-refused` also when the address wants credentials.
   */
  locate?(request: SourceRequest): Promise<ArchiveAddress>;
}
