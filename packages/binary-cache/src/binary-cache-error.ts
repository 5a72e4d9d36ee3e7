/**
 * Why a binary could not be had.
 *
 * - `invalid-release`: the release itself is malformed (a name, path or digest that cannot be).
 * - `unsupported-platform`: the release has no artifact for the host's operating system and processor.
 * - `unsupported-version`: no such version in the table of releases; the message lists those that are.
 * - `source-refused`: a source has nothing that may be used: no such file, a launcher script, a binary without the rest of its tree.
 * - `not-in-registry`: the registry answers, and does not have it.
 * - `download-failed`: the registry could not be reached, refused, or sent something else. Names the npm setting to look at.
 * - `integrity-mismatch`: the bytes are not those that the release pins.
 * - `unsafe-archive`: an entry leaves the folder, is a link or device, comes twice, or a required file is missing.
 * - `limit-exceeded`: more bytes or entries than the cache was told to take.
 * - `functional-check-failed`: the installed program does not run, or is another product or version.
 * - `no-space`: the host's disk, quota or file size limit is exhausted.
 * - `cache-unwritable`: the cache's folder cannot be created or written.
 * - `cache-untrusted`: the cache's folder belongs to, or can be written by, somebody else.
 * - `host-lost`: the link to the host broke, and did not come back in time. What was brought there stays for a day: the next call continues it.
 * - `install-failed`: the host failed otherwise while the tree was put in place; `cause` has it.
 * - `no-source`: every source was tried; the message has a reason from each.
 * - `aborted`: the caller's signal fired.
 */
export type BinaryCacheErrorCode =
  | 'invalid-release'
  | 'unsupported-platform'
  | 'unsupported-version'
  | 'source-refused'
  | 'not-in-registry'
  | 'download-failed'
  | 'integrity-mismatch'
  | 'unsafe-archive'
  | 'limit-exceeded'
  | 'functional-check-failed'
  | 'no-space'
  | 'cache-unwritable'
  | 'cache-untrusted'
  | 'host-lost'
  | 'install-failed'
  | 'no-source'
  | 'aborted';

/** The one error class of this package. The message says what was tried, what happened and, where known, what to do. */
export class BinaryCacheError extends Error {
  override readonly name = 'BinaryCacheError';
  readonly code: BinaryCacheErrorCode;

  constructor(code: BinaryCacheErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
