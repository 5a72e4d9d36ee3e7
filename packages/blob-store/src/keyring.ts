/**
 * Keys of 256 bits, each under a name. New bytes are sealed with the current one, old bytes opened with the one that they name.
 *
 * Sealing is AES-256-GCM under a key of its own for each piece (HKDF-SHA-256 of the named key and a fresh random salt), so that no nonce is ever used twice.
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
  /** @throws {BlobStoreError} `unknown-key`, `wrong-key` or damage (`unsealing-failed`), `not-sealed`. */
  open(sealed: Uint8Array, context: string): Uint8Array;
  /** The name of the key that seals these bytes; `undefined` for bytes that are not sealed. Needs no more than the first 64 bytes. */
  keyIdOf(sealed: Uint8Array): string | undefined;
  /** The same for bytes that don't fit into memory: sealed piece by piece, order, length and end included. */
  sealing(context: string): TransformStream<Uint8Array, Uint8Array>;
  opening(context: string): TransformStream<Uint8Array, Uint8Array>;
}
