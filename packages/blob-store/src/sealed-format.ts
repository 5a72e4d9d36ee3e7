import { BlobStoreError } from './blob-store-error.ts';

/**
 * What sealed bytes begin with, and how long they are.
 *
 * ```
 * 0   "SEED"                  8   name of the key, 32 bytes, filled up with zeros
 * 4   format: 1               40  salt, 24 bytes
 * 5   kind: 1 piece, 2 stream 64  piece:  ciphertext, tag of 16 bytes
 * 6   0 0                         stream: frames of 65,536 bytes, the last one of what is left, each with a tag of its own
 * ```
 */
export const HEADER_BYTES = 64;
export const TAG_BYTES = 16;
export const FRAME_BYTES: number = 64 * 1024;
export const SEALED_FRAME_BYTES: number = FRAME_BYTES + TAG_BYTES;

const MAGIC = Buffer.from('SEED', 'latin1');
const FORMAT = 1;
const KEY_ID_AT = 8;
const SALT_AT = 40;
const KINDS = ['piece', 'stream'] as const;

export type SealedKind = (typeof KINDS)[number];

export interface SealedHeader {
  readonly kind: SealedKind;
  readonly keyId: string;
  readonly salt: Uint8Array;
  /** As it stands there: what is opened under it vouches for every byte of it. */
  readonly bytes: Uint8Array;
}

export const SALT_BYTES: number = HEADER_BYTES - SALT_AT;

/** Letters, digits, `-`, `_` and `.`, 32 of them at the most. */
export function isKeyId(text: string): boolean {
  return /^[A-Za-z0-9._-]{1,32}$/.test(text);
}

export function sealedHeader(kind: SealedKind, keyId: string, salt: Uint8Array): SealedHeader {
  const bytes = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(bytes);
  bytes[4] = FORMAT;
  bytes[5] = KINDS.indexOf(kind) + 1;
  bytes.write(keyId, KEY_ID_AT, 'latin1');
  bytes.set(salt, SALT_AT);
  return { kind, keyId, salt, bytes };
}

/**
 * @param sealed at least the first 64 bytes, if there are as many
 * @throws {BlobStoreError} `not-sealed`; `damaged` when the header is cut short or says what no version of this package writes.
 */
export function parseSealedHeader(sealed: Uint8Array): SealedHeader {
  const bytes = Buffer.from(sealed.subarray(0, HEADER_BYTES));
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new BlobStoreError(
      'not-sealed',
      'These bytes are not sealed. If they are meant to be plain, say so: open them without a keyring.',
    );
  }
  if (bytes.length < HEADER_BYTES) {
    throw new BlobStoreError('damaged', `Sealed bytes end after ${bytes.length}, within their header.`);
  }
  const [format, kindNumber, ...reserved] = bytes.subarray(4, KEY_ID_AT);
  const kind = KINDS[(kindNumber ?? 0) - 1];
  const name = bytes.subarray(KEY_ID_AT, SALT_AT);
  const keyId = name.toString('latin1').replace(/\0+$/, '');
  if (format !== FORMAT || kind === undefined || reserved.some((byte) => byte !== 0) || !isKeyId(keyId)) {
    throw new BlobStoreError(
      'damaged',
      `Sealed bytes have a header that is damaged, or of a later version than this one knows (format ${format}).`,
    );
  }
  return { kind, keyId, salt: bytes.subarray(SALT_AT), bytes };
}

/** The name of the key that seals these bytes; `undefined` for bytes that are not sealed. Needs their first 64 bytes, and no key. */
export function sealedKeyId(sealed: Uint8Array): string | undefined {
  try {
    return parseSealedHeader(sealed).keyId;
  } catch (error) {
    if (error instanceof BlobStoreError) return undefined;
    throw error;
  }
}

/** How many plain bytes are in a sealed stream of this size; `undefined` when no sealed stream has it. */
export function plainSize(sealedSize: number): number | undefined {
  const body = sealedSize - HEADER_BYTES;
  if (body === TAG_BYTES) return 0;
  const frames = Math.ceil(body / SEALED_FRAME_BYTES);
  const last = body - (frames - 1) * SEALED_FRAME_BYTES;
  return body > 0 && last > TAG_BYTES ? body - frames * TAG_BYTES : undefined;
}
