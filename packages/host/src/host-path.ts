import { HostError } from './host-error.ts';

declare const brand: unique symbol;

/**
 * An absolute, normalised POSIX path on a host. It says nothing about the machine that the program runs on.
 *
 * The brand promises: starts with `/`, no NUL, no `.` or `..` segment, no empty segment, no trailing slash except for `/` itself.
 * File names on Linux are bytes; a name that is not UTF-8 is carried with each undecodable byte `0xNN`
 * as the lone surrogate `U+DCNN` (Python's `surrogateescape`), so that it survives a round trip.
 */
export type HostPath = string & { readonly [brand]: 'HostPath' };

/**
 * Checks and normalises `text` as a path on a host.
 *
 * @throws {HostError} `invalid-path` when it is relative, empty, or holds a NUL. `~` is not expanded: see {@link Host.home}.
 */
export function hostPath(text: string): HostPath {
  if (!text.startsWith('/')) {
    const hint = text.startsWith('~') ? ' A tilde is not expanded: join the path onto `host.home`.' : '';
    throw new HostError(
      'invalid-path',
      `A path on a host must be absolute, got ${JSON.stringify(text)}.${hint}`,
    );
  }
  if (text.includes('\0')) {
    throw new HostError('invalid-path', `A path on a host cannot hold a NUL byte: ${JSON.stringify(text)}.`);
  }
  const segments: string[] = [];
  for (const segment of text.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment === '..') segments.pop();
    else segments.push(segment);
  }
  return `/${segments.join('/')}` as HostPath;
}

/** Joins relative segments onto a path and normalises the result; `..` may climb, confinement is asked of the host. */
export function joinHostPath(base: HostPath, ...segments: readonly string[]): HostPath {
  return hostPath([base, ...segments].join('/'));
}

/** The folder that holds `path`; of `/` it is `/`. */
export function parentHostPath(path: HostPath): HostPath {
  return hostPath(path.slice(0, path.lastIndexOf('/')) || '/');
}

/** The last segment of `path`; of `/` it is the empty string. */
export function hostPathName(path: HostPath): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/**
 * The path of `path` relative to `root`, or `undefined` when it lies outside of it. `''` for the root itself.
 * This compares names only: a symbolic link can still lead elsewhere, which {@link Host.canonicalize} resolves.
 */
export function relativeHostPath(root: HostPath, path: HostPath): string | undefined {
  if (path === root) return '';
  const prefix = root === '/' ? '/' : `${root}/`;
  return path.startsWith(prefix) ? path.slice(prefix.length) : undefined;
}
