import type { FileHandle } from 'node:fs/promises';
import type { BlobId, BlobInfo, BlobLabels } from '../blob-store.ts';
import { BlobStoreError } from '../blob-store-error.ts';

/**
 * What the file of a blob holds: a header, then its content.
 *
 * ```
 * 0   "SEEDBLOB"       16  size of the content, 8 bytes
 * 8   format: 1        24  {"createdMs":…,"labels":{…}}
 * 12  size of the JSON     content
 * ```
 * Numbers are big-endian. The size is filled in when all is written: a file that was cut short, or that grew, shows it.
 */
const MAGIC = Buffer.from('SEEDBLOB', 'latin1');
const FORMAT = 1;
const SIZE_AT = 16;
const PREFIX_BYTES = 24;
/** Sixteen labels of the longest kind, each of their characters written as six. */
const MAX_FACTS_BYTES = 200_000;

/** What stands before the content, whose size is yet to be filled in. */
export function blobFileHeader(facts: {
  readonly createdMs: number;
  readonly labels: BlobLabels;
}): Uint8Array {
  const json = Buffer.from(JSON.stringify(facts));
  const prefix = Buffer.alloc(PREFIX_BYTES);
  MAGIC.copy(prefix);
  prefix.writeUInt32BE(FORMAT, 8);
  prefix.writeUInt32BE(json.byteLength, 12);
  return Buffer.concat([prefix, json]);
}

export async function fillInSize(file: FileHandle, size: number): Promise<void> {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(size));
  await file.write(bytes, 0, bytes.byteLength, SIZE_AT);
}

export interface BlobFileFacts {
  readonly info: BlobInfo;
  /** Where the content begins. */
  readonly contentAt: number;
}

/** @throws {BlobStoreError} `damaged`: another size than it should have, or a header that is not readable. */
export async function readBlobFacts(file: FileHandle, id: BlobId): Promise<BlobFileFacts> {
  const prefix = await readUpTo(file, 0, PREFIX_BYTES);
  if (prefix.byteLength < PREFIX_BYTES || !prefix.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw damaged(id, 'it does not begin as the file of a blob does');
  }
  const format = prefix.readUInt32BE(8);
  const jsonBytes = prefix.readUInt32BE(12);
  const size = Number(prefix.readBigUInt64BE(SIZE_AT));
  if (format !== FORMAT || jsonBytes > MAX_FACTS_BYTES) throw damaged(id, `its header has format ${format}`);
  const contentAt = PREFIX_BYTES + jsonBytes;
  const found = (await file.stat()).size - contentAt;
  if (found !== size) throw damaged(id, `it has ${found} bytes of ${size}`);
  const { createdMs, labels } = parseFacts(await readUpTo(file, PREFIX_BYTES, jsonBytes), id);
  return { info: { id, size, createdMs, labels }, contentAt };
}

function parseFacts(json: Buffer, id: BlobId): { readonly createdMs: number; readonly labels: BlobLabels } {
  let facts: unknown;
  try {
    facts = JSON.parse(json.toString());
  } catch (cause) {
    throw damaged(id, 'its header is not readable', cause);
  }
  if (typeof facts !== 'object' || facts === null || !('createdMs' in facts) || !('labels' in facts)) {
    throw damaged(id, 'its header lacks what belongs there');
  }
  const { createdMs, labels } = facts;
  if (typeof createdMs !== 'number' || !isLabels(labels)) throw damaged(id, 'its header is not a blob’s');
  return { createdMs, labels };
}

function isLabels(value: unknown): value is BlobLabels {
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).every((each) => typeof each === 'string');
}

/** So many bytes; fewer where the file ends. */
async function readUpTo(file: FileHandle, position: number, count: number): Promise<Buffer> {
  const bytes = Buffer.alloc(count);
  let filled = 0;
  while (filled < count) {
    const { bytesRead } = await file.read(bytes, filled, count - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

export function damaged(id: BlobId, what: string, cause?: unknown): BlobStoreError {
  return new BlobStoreError('damaged', `Blob ${id} is damaged: ${what}.`, { cause });
}
