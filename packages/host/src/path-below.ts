import { HostError } from './host-error.ts';

/**
 * Takes a relative path that can only be of something below a folder, as long as no link stands on the way. `attempt` completes the sentence "Did not …".
 *
 * @throws {HostError} `invalid-path` for any other: absolute, empty, with `.`, `..` or an empty segment, with NUL.
 */
export function checkPathBelow(relativePath: string, attempt: string): void {
  const isPlain = relativePath.split('/').every((name) => !['', '.', '..'].includes(name));
  if (isPlain && !relativePath.includes('\0')) return;
  const name = JSON.stringify(relativePath);
  throw new HostError('invalid-path', `Did not ${attempt} ${name}: it is no path of a file below a folder.`);
}
