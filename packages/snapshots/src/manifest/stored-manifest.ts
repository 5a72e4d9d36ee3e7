import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { createZstdCompress, createZstdDecompress } from 'node:zlib';
import { type BlobId, type BlobStore, BlobStoreError, sealedKeyId } from '@seedbed/blob-store';
import { SnapshotError } from '../snapshot-error.ts';
import { asSnapshotError } from '../store-failure.ts';
import type { SnapshotRow } from '../task-head.ts';
import { decodeManifest } from './decode-manifest.ts';
import { encodeManifest } from './encode-manifest.ts';
import type { Manifest } from './manifest.ts';

/** Also of the largest folder; more is no manifest of ours. */
const MAX_MANIFEST_BYTES = 4 * 1024 ** 3;
/** Of what `sealedKeyId` needs. */
const SEALED_HEADER_BYTES = 64;

export interface StoredManifest {
  readonly blob: BlobId;
  /** SHA-256 of its lines, in hex. */
  readonly digest: string;
}

export async function storeManifest(
  blobs: BlobStore,
  manifest: Manifest,
  {
    id,
    labels,
    signal,
  }: {
    readonly id: BlobId;
    readonly labels: Readonly<Record<string, string>>;
    readonly signal?: AbortSignal;
  },
): Promise<StoredManifest> {
  const hash = createHash('sha256');
  const lines = function* (): Generator<Uint8Array> {
    for (const piece of encodeManifest(manifest)) {
      hash.update(piece);
      yield piece;
    }
  };
  const packed = ReadableStream.from(pumped(lines(), createZstdCompress()));
  const blob = await blobs.put(packed, { id, labels, ...(signal && { signal }) });
  return { blob, digest: hash.digest('hex') };
}

/**
 * The manifest of a snapshot, compared with what its row says of it.
 * @throws {SnapshotError} `damaged`, `wrong-key`, `not-sealed`, `store-failed`, `aborted`.
 */
export async function loadManifest(
  blobs: BlobStore,
  task: string,
  { row, signal }: { readonly row: SnapshotRow; readonly signal?: AbortSignal },
): Promise<Manifest> {
  const what = `snapshot ${row.number} of ${JSON.stringify(task)}`;
  const hash = createHash('sha256');
  const beginning: Uint8Array[] = [];
  try {
    const stream = await blobs.open(row.manifest, signal && { signal });
    const lines = measured(pumped(noted(stream, beginning), createZstdDecompress()), hash);
    const manifest = await decodeManifest(lines, what);
    const isIt = hash.digest('hex') === row.manifestDigest && manifest.number === row.number;
    if (isIt && manifest.task === task) return manifest;
  } catch (failure) {
    if (failure instanceof SnapshotError) throw failure;
    if (failure instanceof BlobStoreError) throw asSnapshotError(failure, `read the manifest of ${what}`);
    // Only where no keyring was given are sealed bytes seen here.
    const keyId = sealedKeyId(Buffer.concat(beginning));
    if (keyId !== undefined) {
      const story = `The manifest of ${what} is sealed under the key ${keyId}, and encryption is "plaintext": give the keyring.`;
      throw new SnapshotError('wrong-key', story, { cause: failure });
    }
    throw new SnapshotError('damaged', `The manifest of ${what} cannot be unpacked.`, { cause: failure });
  }
  throw new SnapshotError('damaged', `The manifest of ${what} is another one than was saved.`);
}

/** As many bytes as tell whether they are sealed go into `beginning`. */
async function* noted(
  source: AsyncIterable<Uint8Array>,
  beginning: Uint8Array[],
): AsyncGenerator<Uint8Array, void, undefined> {
  let left = SEALED_HEADER_BYTES;
  for await (const piece of source) {
    if (left > 0) beginning.push(piece.slice(0, left));
    left -= Math.min(left, piece.length);
    yield piece;
  }
}

type Source = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** What a transform makes of a source; a failure of the source is what the reader meets. */
async function* pumped(
  source: Source,
  through: ReturnType<typeof createZstdCompress> | ReturnType<typeof createZstdDecompress>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const feeding = pipeline(source, through);
  // The reader meets it, as the stream is destroyed with it.
  feeding.catch(() => undefined);
  yield* through;
  await feeding;
}

async function* measured(
  pieces: AsyncIterable<Uint8Array>,
  hash: ReturnType<typeof createHash>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let bytes = 0;
  for await (const piece of pieces) {
    bytes += piece.length;
    if (bytes > MAX_MANIFEST_BYTES) throw new Error('It is larger than any manifest.');
    hash.update(piece);
    yield piece;
  }
}
