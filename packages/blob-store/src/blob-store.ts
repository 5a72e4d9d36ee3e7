declare const brand: unique symbol;

/** Names one blob in its store: at most 128 letters, digits, `-` and `_`. Chosen by the store, never by content; a deleted blob's is not given again. */
export type BlobId = string & { readonly [brand]: 'BlobId' };

/**
 * Small facts for finding blobs again, readable by whoever reads the store: never a secret. At most 16; a name is a letter and up to 63 letters, digits,
 * `-` and `_`, a value well-formed text of at most 1,000 characters.
 */
export type BlobLabels = Readonly<Record<string, string>>;

export interface BlobInfo {
  readonly id: BlobId;
  /** Bytes, as they were put. */
  readonly size: number;
  /** When it was put, in milliseconds since the epoch, by the clock of the program that put it. */
  readonly createdMs: number;
  readonly labels: BlobLabels;
}

export interface PutOptions {
  /** From `createId`. A fresh one by default. @throws `already-exists` when the store has a blob of that name, which is left as it is; `id-in-use`. */
  readonly id?: BlobId;
  readonly labels?: BlobLabels;
  readonly signal?: AbortSignal;
}

export interface OpenOptions {
  /** First byte wanted. 0 by default. */
  readonly offset?: number;
  /** How many bytes at the most. To the end by default. */
  readonly length?: number;
  readonly signal?: AbortSignal;
}

export interface ListOptions {
  /** Only blobs that carry all of these. */
  readonly labels?: BlobLabels;
  readonly signal?: AbortSignal;
}

/**
 * Bytes at rest. A blob never changes: it is there whole, or not at all. Every method rejects with a `BlobStoreError`; `invalid-id` for an id that no blob of
 * this kind of store can have.
 *
 * Who else writes to the place where the bytes lie can read and damage them: `sealBlobs` and `Keyring` are against that.
 */
export interface BlobStore {
  /** A name for people, without secrets: `directory /srv/blobs`, `gridfs tasks.fs`. */
  readonly label: string;
  /** The name of a blob that is yet to be put, so that it can be bound into what is sealed. Does no I/O. */
  createId(): BlobId;
  /**
   * Streams a blob in. When it resolves, the blob is there for everybody; a failure or abort leaves nothing that is ever listed or opened.
   * `body` is read to its end or cancelled, whatever becomes of the put; one that somebody else reads already is `source-failed`.
   * A failure of `body` itself is passed on as the `cause` of `source-failed`. Once the last step was asked for, an abort comes too late.
   *
   * @throws `unavailable` when the store was not heard of again; where that was at the last step, the blob may be there.
   */
  put(body: ReadableStream<Uint8Array> | Uint8Array, options?: PutOptions): Promise<BlobId>;
  /**
   * The stream holds something open: read it to its end, or cancel it. Who begins behind the end gets none. The signal also ends the reading.
   *
   * @throws `not-found`; `damaged` when bytes are missing, as a stream's error if they are found missing on the way; `invalid-range`.
   */
  open(id: BlobId, options?: OpenOptions): Promise<ReadableStream<Uint8Array>>;
  /** `undefined` when there is no such blob. */
  stat(id: BlobId, options?: { readonly signal?: AbortSignal }): Promise<BlobInfo | undefined>;
  /** No error when there is none. */
  delete(id: BlobId, options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** In no order. Never a blob that is not whole. What is put or deleted meanwhile may be missing or not. */
  list(options?: ListOptions): AsyncIterable<BlobInfo>;
  /**
   * Removes what interrupted puts left, if it is older than `olderThanMs` (24 hours by default; shorter than the longest put is a mistake), and says how much it was.
   */
  sweep(options?: { readonly olderThanMs?: number; readonly signal?: AbortSignal }): Promise<SweepReport>;
}

export interface SweepReport {
  /** Interrupted puts that were removed. */
  readonly removed: number;
  /** Bytes freed, where the store can say. */
  readonly bytes: number;
}
