import { HostError, type HostErrorCode } from '@seedbed/host';

const SAID_OF_THE_FILE: readonly HostErrorCode[] = [
  'not-found',
  'not-a-directory',
  'is-a-directory',
  'outside-root',
  'too-many-links',
  'limit-exceeded',
];

/**
 * Whether a failed read says of a file that it is not there, or not as it was written: an agent can have done that. Any other failure says something of the
 * host alone, and to go on as if there were no file would lose what it tells.
 */
export function isNoSuchFile(failure: unknown): boolean {
  return failure instanceof HostError && SAID_OF_THE_FILE.includes(failure.code);
}
