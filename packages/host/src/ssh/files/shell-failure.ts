import { HostError, type HostErrorCode } from '../../host-error.ts';

/** How the tools of GNU and BusyBox, and shells, end a message in the C locale: with the text of strerror(3), or (dash) one of their own. */
const ENDINGS: Readonly<Record<string, HostErrorCode>> = {
  'No such file or directory': 'not-found',
  'No such file': 'not-found',
  'Directory nonexistent': 'not-found',
  'nonexistent directory': 'not-found',
  'File exists': 'already-exists',
  'Permission denied': 'permission-denied',
  'Operation not permitted': 'permission-denied',
  'Not a directory': 'not-a-directory',
  'Is a directory': 'is-a-directory',
  'Directory not empty': 'directory-not-empty',
  'No space left on device': 'no-space',
  'Disk quota exceeded': 'no-space',
  'Read-only file system': 'read-only',
  'Too many levels of symbolic links': 'too-many-links',
  'Device or resource busy': 'busy',
  'Resource busy': 'busy',
  'Invalid cross-device link': 'cross-device',
  'File name too long': 'invalid-path',
  'cannot overwrite non-directory': 'already-exists',
};

/** The `HostError` for what a script printed when it failed. `attempt` completes the sentence "Could not …". */
export function shellFailure(attempt: string, stderr: string): HostError {
  const message = stderr.trim();
  // The last line: those before it may be of a file that somebody named after an error.
  const ending = Object.keys(ENDINGS).find((text) => message.endsWith(text));
  const code = (ending === undefined ? undefined : ENDINGS[ending]) ?? 'io';
  return new HostError(code, `Could not ${attempt}: ${message || 'the host did not say why'}`);
}
