/**
 * - `not-found`: there is no such task or snapshot, or it was removed meanwhile.
 * - `conflict`: somebody else saved the same task, or removed what this save built on; nothing of this save is kept.
 * - `damaged`: a manifest or content is missing, cut short or not what was saved, or what an index says of a task; the message says which. Nothing on the host was changed.
 * - `wrong-key`: it is sealed under a key that the keyring does not hold, or no keyring was given. Another key of the same name shows as `damaged`: nobody can tell the two apart.
 * - `not-sealed`: a keyring was given, and what was found is plain.
 * - `refused-entry`: a manifest or archive holds what must not be put on a host: a path that leaves the folder, a device, setuid bits.
 * - `limit-exceeded`: the folder is larger than was allowed, also without what can be made again.
 * - `invalid-config`: options that contradict each other or cannot be; the message names them.
 * - `restore-failed`: what was put on the host is not what the snapshot holds; the message says whether the folder is as it was, or was changed by something else at once.
 * - `store-failed`: the store of snapshots does not answer or failed; `cause` has its error. What was under way may or may not have happened.
 * - `aborted`: the caller's signal fired.
 */
export type SnapshotErrorCode =
  | 'not-found'
  | 'conflict'
  | 'damaged'
  | 'wrong-key'
  | 'not-sealed'
  | 'refused-entry'
  | 'limit-exceeded'
  | 'invalid-config'
  | 'restore-failed'
  | 'store-failed'
  | 'aborted';

/** The one error class of this package. What a host says comes as its own `HostError`. No message holds content. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';
  readonly code: SnapshotErrorCode;

  constructor(code: SnapshotErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
