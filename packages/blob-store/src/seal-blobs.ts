import { unlessAborted } from './abort.ts';
import type { BlobId, BlobInfo, BlobStore, OpenOptions } from './blob-store.ts';
import { cancelsUnread } from './body-pieces.ts';
import { byteRange } from './byte-range.ts';
import type { Keyring } from './keyring.ts';
import { invalid } from './option-values.ts';
import { HEADER_BYTES, plainSize, sealedKeyId } from './sealed-format.ts';
import { openSealedRange } from './sealed-range.ts';

/** A store whose blobs are sealed, and that can tell with which key. */
export interface SealedBlobStore extends BlobStore {
  /**
   * The name of the key that a blob is sealed with; `undefined` for one that is not sealed. Reads 64 bytes.
   * A blob is sealed anew by putting what `open` gives, and deleting it: it gets another id.
   *
   * @throws {BlobStoreError} `not-found`.
   */
  keyIdOf(id: BlobId, options?: { readonly signal?: AbortSignal }): Promise<string | undefined>;
}

/**
 * The same store with its content sealed, each blob to its own id: bytes that were exchanged for another blob's do not open. Labels stay readable.
 * Every byte that `open` gives was checked. A part of a blob costs reading the frames of 64 KiB that it lies in.
 *
 * `size` is that of the plain bytes, and a blob in the store that is none of these (a size that no sealed one has) is listed with its own: opening it fails with `not-sealed`.
 *
 * @param keys what seals, or the word that nothing is to be: then blobs are stored and given as they are, sealed ones too
 * @throws {BlobStoreError} `invalid-config` for anything else.
 */
export function sealBlobs(store: BlobStore, keys: Keyring | 'plaintext'): SealedBlobStore {
  if (keys !== 'plaintext' && !isKeyring(keys))
    throw invalid('What seals blobs', "a keyring (createKeyring), or 'plaintext' where nothing is to", keys);
  const keyIdOf = async (
    id: BlobId,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<string | undefined> => {
    const start = await store.open(id, { ...options, length: HEADER_BYTES });
    const bytes = await unlessAborted(new Response(start).bytes(), options.signal, `read blob ${id}`);
    return sealedKeyId(bytes);
  };
  if (keys === 'plaintext') {
    return {
      label: store.label,
      createId: () => store.createId(),
      put: (body, options) => store.put(body, options),
      open: (id, options) => store.open(id, options),
      stat: (id, options) => store.stat(id, options),
      delete: (id, options) => store.delete(id, options),
      list: (options) => store.list(options),
      sweep: (options) => store.sweep(options),
      keyIdOf,
    };
  }
  const putSealed = cancelsUnread((body, options) => store.put(body, options));
  return {
    label: `${store.label}, sealed`,
    createId: () => store.createId(),
    put: cancelsUnread(async (body, options = {}) => {
      const id = options.id ?? store.createId();
      const plain = body instanceof Uint8Array ? streamOf(body) : body;
      // Somebody else reads it: the store says what that means.
      if (plain.locked) return await store.put(plain, { ...options, id });
      // It holds the caller's stream locked, who could not close it any more.
      return await putSealed(plain.pipeThrough(keys.sealing(contextOf(id))), { ...options, id });
    }),
    async open(id, options: OpenOptions = {}) {
      const range = byteRange(options);
      const { signal } = options;
      return await openSealedRange(store, id, {
        range,
        signal,
        framesOf: (header) => keys.frames(header, contextOf(id)),
      });
    },
    async stat(id, options) {
      const info = await store.stat(id, options);
      return info && withPlainSize(info);
    },
    delete: (id, options) => store.delete(id, options),
    async *list(options) {
      for await (const info of store.list(options)) yield withPlainSize(info);
    },
    sweep: (options) => store.sweep(options),
    keyIdOf,
  };
}

/** A program may be without types: what is not sealed then would be sealed or not by accident. */
function isKeyring(keys: unknown): keys is Keyring {
  return typeof keys === 'object' && keys !== null && 'sealing' in keys && 'frames' in keys;
}

function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(bytes);
      controller.close();
    },
  });
}

function contextOf(id: BlobId): string {
  return `blob ${id}`;
}

function withPlainSize(info: BlobInfo): BlobInfo {
  return { ...info, size: plainSize(info.size) ?? info.size };
}
