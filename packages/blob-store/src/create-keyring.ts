import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { BlobStoreError } from './blob-store-error.ts';
import type { Keyring, SealedFrames } from './keyring.ts';
import {
  HEADER_BYTES,
  isKeyId,
  parseSealedHeader,
  SALT_BYTES,
  type SealedHeader,
  type SealedKind,
  sealedHeader,
  sealedKeyId,
  TAG_BYTES,
} from './sealed-format.ts';
import { openingStream, sealingStream } from './sealed-stream.ts';

export interface KeyringOptions {
  /** The name of the key that seals. */
  readonly current: string;
  /**
   * Keys by their names, which stand in clear on what they seal: up to 32 letters, digits, `-`, `_` and `.`.
   * A key is 32 random bytes, or their base64: `openssl rand -base64 32`. Not a password.
   */
  readonly keys: Readonly<Record<string, Uint8Array | string>>;
}

const KEY_BYTES = 32;
const PURPOSE = 'seedbed blob-store sealing 1';
const MAX_FRAMES = 2 ** 32;

/**
 * Does no I/O. The keys are copied, and nothing gives them out again.
 *
 * @throws {BlobStoreError} `invalid-keyring`.
 */
export function createKeyring(options: KeyringOptions): Keyring {
  if (typeof options?.keys !== 'object' || options.keys === null)
    throw new BlobStoreError(
      'invalid-keyring',
      'A keyring needs its keys: { current: name, keys: { name: key } }.',
    );
  const keys = new Map(Object.entries(options.keys).map(([id, key]) => [id, parseKey(id, key)]));
  const { current } = options;
  const currentKey = keys.get(current);
  if (currentKey === undefined) {
    throw new BlobStoreError(
      'invalid-keyring',
      `The current key is to be ${JSON.stringify(current)}, which is not among the keys (${[...keys.keys()].join(', ')}).`,
    );
  }
  const fresh = (kind: SealedKind, context: string): PieceCipher =>
    pieceCipher(currentKey, sealedHeader(kind, current, randomBytes(SALT_BYTES)), context);
  const existing = (sealed: Uint8Array, kind: SealedKind, context: string): PieceCipher => {
    const header = parseSealedHeader(sealed);
    if (header.kind !== kind) {
      throw new BlobStoreError(
        'unsealing-failed',
        `These bytes were sealed as a ${header.kind}, not as a ${kind}.`,
      );
    }
    const key = keys.get(header.keyId);
    if (key === undefined) throw unknownKey(header.keyId, [...keys.keys()]);
    return pieceCipher(key, header, context);
  };
  const frames = (header: Uint8Array, context: string): SealedFrames => {
    const cipher = existing(header, 'stream', context);
    return { open: (frame, { index, isLast }) => cipher.open(frame, frameNonce(index, isLast)) };
  };
  return {
    current,
    keyIds: [...keys.keys()],
    seal(plain, context) {
      const cipher = fresh('piece', context);
      return Buffer.concat([cipher.header, ...cipher.seal(plain, frameNonce(0, true))]);
    },
    open(sealed, context) {
      const cipher = existing(sealed, 'piece', context);
      return cipher.open(sealed.subarray(HEADER_BYTES), frameNonce(0, true));
    },
    keyIdOf: sealedKeyId,
    sealing(context) {
      const cipher = fresh('stream', context);
      return sealingStream(cipher.header, (plain, { index, isLast }) =>
        cipher.seal(plain, frameNonce(index, isLast)),
      );
    },
    opening: (context) => openingStream((header) => frames(header, context)),
    frames,
  };
}

interface PieceCipher {
  readonly header: Uint8Array;
  /** The ciphertext and its tag, apart: who needs them in one piece copies them once. */
  seal(plain: Uint8Array, nonce: Uint8Array): readonly Uint8Array[];
  open(sealed: Uint8Array, nonce: Uint8Array): Uint8Array;
}

/** What is sealed under one header: the header and the context vouched for with each part of it. */
function pieceCipher(key: KeyObject, header: SealedHeader, context: string): PieceCipher {
  const ownKey = createSecretKey(Buffer.from(hkdfSync('sha256', key, header.salt, PURPOSE, KEY_BYTES)));
  const associated = Buffer.concat([header.bytes, Buffer.from(context)]);
  return {
    header: header.bytes,
    seal(plain, nonce) {
      const cipher = createCipheriv('aes-256-gcm', ownKey, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(associated);
      const sealed = cipher.update(plain);
      cipher.final();
      return [sealed, cipher.getAuthTag()];
    },
    open(sealed, nonce) {
      try {
        const end = sealed.byteLength - TAG_BYTES;
        const decipher = createDecipheriv('aes-256-gcm', ownKey, nonce, { authTagLength: TAG_BYTES });
        decipher.setAAD(associated);
        decipher.setAuthTag(sealed.subarray(end));
        const plain = decipher.update(sealed.subarray(0, end));
        decipher.final();
        return plain;
      } catch (cause) {
        throw new BlobStoreError(
          'unsealing-failed',
          `Key ${JSON.stringify(header.keyId)} does not open these bytes: they were sealed with another key of that name, changed or cut short, or belong somewhere else.`,
          { cause },
        );
      }
    },
  };
}

/** Says where a frame belongs: one that is moved, repeated or the end by mistake does not open. Each piece has a key of its own, so that nothing more is needed. */
function frameNonce(index: number, isLast: boolean): Uint8Array {
  if (index >= MAX_FRAMES) throw new BlobStoreError('io', 'More than 256 TiB are not sealed as one stream.');
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32BE(index, 7);
  nonce[11] = isLast ? 1 : 0;
  return nonce;
}

function parseKey(id: string, key: Uint8Array | string): KeyObject {
  if (!isKeyId(id)) {
    throw new BlobStoreError(
      'invalid-keyring',
      `A key is called ${JSON.stringify(id)}: take 1 to 32 letters, digits, "-", "_" and ".".`,
    );
  }
  const bytes = typeof key === 'string' ? decodeBase64(key) : key;
  if (bytes?.byteLength !== KEY_BYTES) {
    throw new BlobStoreError(
      'invalid-keyring',
      `Key ${JSON.stringify(id)} is not 32 bytes, nor the base64 of 32 bytes. Make one with "openssl rand -base64 32".`,
    );
  }
  return createSecretKey(bytes);
}

/** Strict, unlike Node's: a key that lost characters must not become another key. */
function decodeBase64(text: string): Uint8Array | undefined {
  const trimmed = text.trim();
  const encoding = /[-_]/.test(trimmed) ? 'base64url' : 'base64';
  const bytes = Buffer.from(trimmed, encoding);
  const unpadded = trimmed.replace(/=+$/, '');
  return bytes.toString(encoding).replace(/=+$/, '') === unpadded ? bytes : undefined;
}

function unknownKey(keyId: string, known: readonly string[]): BlobStoreError {
  return new BlobStoreError(
    'unknown-key',
    `Sealed with key ${JSON.stringify(keyId)}, which the keyring does not hold (it has ${known.join(', ')}). Add it to open what it sealed.`,
  );
}
