import { HostError } from '../../host-error.ts';
import type { HostPath } from '../../host-path.ts';
import { encodeHostPathBytes } from '../../host-path-bytes.ts';
import { shellWord } from '../../shell-quoting.ts';

/** Linux's PATH_MAX without the NUL that ends a path. */
const MAX_PATH_BYTES = 4_095;

/**
 * The word of a script that stands for a path. One that the kernel would not take is refused here: the tools of a host disagree about it, some give up
 * and some find a way.
 *
 * @throws {HostError} `invalid-path` when it has more than 4,095 bytes.
 */
export function pathWord(path: HostPath): string {
  const bytes = encodeHostPathBytes(path).length;
  if (bytes <= MAX_PATH_BYTES) return shellWord(path);
  throw new HostError(
    'invalid-path',
    `A path on a host has ${MAX_PATH_BYTES} bytes at the most, this one has ${bytes}: ${path.slice(0, 100)}…`,
  );
}
