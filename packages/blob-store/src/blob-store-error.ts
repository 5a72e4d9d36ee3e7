/**
 * - `not-found`: the store has no such blob.
 * - `already-exists`: a blob was put under a name that is taken.
 * - `id-in-use`: another put under this name is under way, or was interrupted and not swept; there is no blob of that name yet. Take a fresh one.
 * - `invalid-id`, `invalid-range`: what was asked for can't be in any store.
 * - `invalid-labels`: a label's name or value is none that every store can keep; see `BlobLabels`.
 * - `damaged`: a blob has lost bytes, or has some that are not its own.
 * - `not-sealed`: bytes that should be sealed are not. Never taken for plain text silently.
 * - `unknown-key`: sealed under a key that the keyring does not hold; the message names it.
 * - `unsealing-failed`: the key of that name does not open them: another key, changed bytes, or the bytes of something else.
 * - `invalid-config`: an option cannot be what it is; the message names it.
 * - `invalid-keyring`: a key is not 32 bytes, or there is none of the current name.
 * - `source-failed`: the stream that was put failed; `cause` has its error.
 * - `no-space`: the store's disk or quota is full.
 * - `unavailable`: the store does not answer; it may later. What was under way may or may not have happened.
 * - `aborted`: the caller's signal fired.
 * - `io`: any other failure of the store; `cause` has it.
 */
export type BlobStoreErrorCode =
  | 'not-found'
  | 'already-exists'
  | 'id-in-use'
  | 'invalid-id'
  | 'invalid-range'
  | 'invalid-labels'
  | 'damaged'
  | 'not-sealed'
  | 'unknown-key'
  | 'unsealing-failed'
  | 'invalid-config'
  | 'invalid-keyring'
  | 'source-failed'
  | 'no-space'
  | 'unavailable'
  | 'aborted'
  | 'io';

/** The one error class of this package. The message says what was tried, what happened and, where known, what to do; never a key or content. */
export class BlobStoreError extends Error {
  override readonly name = 'BlobStoreError';
  readonly code: BlobStoreErrorCode;

  constructor(code: BlobStoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
