/**
 * Keys of 256 bits, each under a name. New bytes are sealed with the current one, old bytes opened with the one that they name.
 *
 * Sealing is AES-256-GCM under a key of its own for each piece (HKDF-SHA-256 of the named key and a fresh random salt), so that no nonce is ever used twice.
 * What is sealed shows its length, and the name of its key.
 */
export interface Keyring {
  /** The name of the key that seals. */
  readonly current: string;
  /** The names of all keys that can open. */
  readonly keyIds: readonly string[];
  /**
   * Seals bytes that fit into memory. `context` says what and whose they are (a blob's id, a field's name): what is opened under another context is refused.
   */
  seal(plain: Uint8Array, context: string): Uint8Array;
  /** @throws {BlobStoreError} `not-sealed`, `unknown-key`, `damaged` (cut short), `unsealing-failed` (another key or context, changed bytes). */
  open(sealed: Uint8Array, context: string): Uint8Array;
  /** The name of the key that seals these bytes; `undefined` for bytes that are not sealed. Needs no more than the first 64 bytes. */
  keyIdOf(sealed: Uint8Array): string | undefined;
  /** The same for bytes that don't fit into memory: sealed piece by piece, order, length and end included. */
  sealing(context: string): TransformStream<Uint8Array, Uint8Array>;
  /** Gives only bytes that were checked; that they end where they should is known at the end. Fails as `open` does. */
  opening(context: string): TransformStream<Uint8Array, Uint8Array>;
  /**
   * The frames of which `sealing` makes a stream, each by itself, for who wants a part of it. `header` is the stream's first 64 bytes.
   * @throws {BlobStoreError} `not-sealed`, `unknown-key`, `damaged`.
   */
  frames(header: Uint8Array, context: string): SealedFrames;
}

export interface SealedFrames {
  /**
   * @param frame its sealed bytes: 65,552, fewer only of the last one
   * @throws {BlobStoreError} `unsealing-failed`, also when it is another frame, or the last one and not said to be so, or the other way round
   */
  open(frame: Uint8Array, position: { readonly index: number; readonly isLast: boolean }): Uint8Array;
}
