import { HostError } from '../host-error.ts';
import { checkCount } from '../option-values.ts';
import { checkPathBelow } from '../path-below.ts';
import type { TarEntry } from './tar-entry.ts';

export interface ArchiveLimits {
  /** 100,000 by default. */
  readonly maxEntries?: number;
  /** Of all files together. 16 GiB by default. */
  readonly maxBytes?: number;
}

export interface ArchiveGuardOptions extends ArchiveLimits {
  /**
   * What becomes of symbolic links that lead out of the folder: `refuse` the archive (the default), `keep` them, or `leave-out` each of them. Nothing is written
   * through a link in any case.
   */
  readonly outsideLinks?: 'refuse' | 'keep' | 'leave-out';
  /** What becomes of setuid, setgid and sticky bits: `refuse` the archive (the default), or `clear` them. */
  readonly setuidBits?: 'refuse' | 'clear';
}

/** An entry that may be unpacked: its name, and that of a hard link's target, normalised and below the folder. */
export interface SafeEntry extends TarEntry {
  /** `''` for the folder itself. */
  readonly name: string;
}

export interface ArchiveGuard {
  /** @throws {HostError} `invalid-archive`, `limit-exceeded`. */
  readonly admit: (entry: TarEntry) => SafeEntry;
  /** Files that are there before the first entry; no entry may have their names. @throws {HostError} `invalid-path`. */
  readonly expect: (files: Iterable<string>) => void;
  /**
   * Names of the links that must be left out. To be asked when all entries were admitted, before the first link is made: only then is it known where they lead.
   *
   * @throws {HostError} `invalid-archive` when links that lead out are refused.
   */
  readonly outsideLinks: () => ReadonlySet<string>;
}

const DEFAULT_MAX_ENTRIES = 100_000;
const DEFAULT_MAX_BYTES = 16 * 1024 ** 3;
const PERMISSION_BITS = 0o777;
const MAX_LINKS = 40;
/** Linux's PATH_MAX. */
const MAX_PATH = 4_096;
/** How many characters of paths are looked up to see where all links lead: about a second. */
const MAX_LOOKUPS = 500_000_000;

type Seen = { readonly kind: 'file' | 'directory' } | { readonly kind: 'symlink'; readonly target: string };

const EXPECTED: TarEntry = { kind: 'file', name: '', mode: 0, modifiedMs: 0, size: 0, target: '' };

/**
 * Refuses what must not be unpacked into a folder that is empty at first: names that leave it, entries below a link or a file, an entry in the place
 * of another, hard links to what the archive does not hold, links out of it, setuid, setgid and sticky bits.
 */
export function createArchiveGuard(options: ArchiveGuardOptions): ArchiveGuard {
  for (const option of ['maxEntries', 'maxBytes'] as const) checkCount(options[option], option);
  const maxEntries = options.maxEntries ?? DEFAULT_MAX_ENTRIES;
  const maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
  const seen = new Map<string, Seen>([['', { kind: 'directory' }]]);
  let entries = 0;
  let bytes = 0;
  const exceeded = (what: string): HostError =>
    new HostError('limit-exceeded', `The archive was not unpacked: it holds more than ${what}.`);

  return {
    admit(entry) {
      entries += 1;
      bytes += entry.size;
      if (entries > maxEntries) throw exceeded(`${maxEntries} entries`);
      if (bytes > maxBytes) throw exceeded(`${maxBytes} bytes`);
      if ((entry.mode & ~PERMISSION_BITS) !== 0 && options.setuidBits !== 'clear')
        throw refused(entry, 'it is setuid, setgid or sticky');
      const name = normalise(entry, entry.name);
      if (seen.size > maxEntries)
        throw exceeded(`${maxEntries} entries, counting folders that it only implies`);
      requireFolder(seen, entry, parentOf(name));
      const before = seen.get(name);
      if (before !== undefined && !(before.kind === 'directory' && entry.kind === 'directory')) {
        throw refused(entry, 'it takes the place of another entry');
      }
      const target = entry.kind === 'hard-link' ? hardTarget(seen, entry) : entry.target;
      if (entry.kind === 'symlink' && (target === '' || target.length > MAX_PATH || target.includes('\0'))) {
        throw refused(entry, 'no link can say what it says');
      }
      seen.set(name, seenAs(entry));
      return { ...entry, mode: entry.mode & PERMISSION_BITS, name, target };
    },
    expect(files) {
      for (const relativePath of files) {
        const entry: TarEntry = { ...EXPECTED, name: relativePath };
        checkPathBelow(relativePath, 'reuse');
        requireFolder(seen, entry, parentOf(relativePath));
        if (seen.has(relativePath)) throw refused(entry, 'it is to be reused twice, or is a folder too');
        seen.set(relativePath, { kind: 'file' });
      }
    },
    outsideLinks() {
      const outside = new Set<string>();
      if (options.outsideLinks === 'keep') return outside;
      const effort: Effort = { left: MAX_LOOKUPS };
      for (const [name, node] of seen) {
        if (node.kind !== 'symlink' || staysInside(seen, { name, target: node.target }, effort)) continue;
        outside.add(name);
        if (options.outsideLinks !== 'leave-out') {
          throw new HostError(
            'invalid-archive',
            `The archive was not unpacked: the link ${JSON.stringify(name)} leads out of the folder, to ${JSON.stringify(node.target)}.`,
          );
        }
      }
      return outside;
    },
  };
}

function seenAs(entry: TarEntry): Seen {
  if (entry.kind === 'symlink') return { kind: 'symlink', target: entry.target };
  return { kind: entry.kind === 'directory' ? 'directory' : 'file' };
}

function normalise(entry: TarEntry, name: string): string {
  if (name.startsWith('/')) throw refused(entry, 'its name is absolute');
  if (name.includes('\0')) throw refused(entry, 'its name holds a NUL byte');
  if (name.length > MAX_PATH) throw refused(entry, 'its name is longer than any host takes');
  const segments = name.split('/').filter((segment) => segment !== '' && segment !== '.');
  if (segments.includes('..')) throw refused(entry, 'its name holds ".."');
  if (segments.length === 0 && entry.kind !== 'directory')
    throw refused(entry, 'it takes the place of the folder itself');
  return segments.join('/');
}

function requireFolder(seen: Map<string, Seen>, entry: TarEntry, folder: string): void {
  const there = seen.get(folder);
  if (there?.kind === 'directory') return;
  if (there !== undefined)
    throw refused(entry, `${JSON.stringify(folder)}, in which it lies, is a ${there.kind}`);
  requireFolder(seen, entry, parentOf(folder));
  seen.set(folder, { kind: 'directory' });
}

function hardTarget(seen: Map<string, Seen>, entry: TarEntry): string {
  const target = normalise(entry, entry.target);
  if (seen.get(target)?.kind !== 'file')
    throw refused(entry, 'it is a hard link to something that is no earlier file of the archive');
  return target;
}

function parentOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf('/')));
}

interface Effort {
  left: number;
}

/** Whether following a link never leaves the folder, given all links of the archive. One that runs in circles leads nowhere. */
function staysInside(
  seen: ReadonlyMap<string, Seen>,
  link: { readonly name: string; readonly target: string },
  effort: Effort,
): boolean {
  if (link.target.startsWith('/')) return false;
  let here = parentOf(link.name);
  const pending = link.target.split('/').reverse();
  let links = 0;
  for (let segment = pending.pop(); segment !== undefined; segment = pending.pop()) {
    effort.left -= here.length + 1;
    if (effort.left < 0)
      throw new HostError('invalid-archive', 'The archive was not unpacked: its links are too entangled.');
    if (segment === '' || segment === '.') continue;
    if (segment === '..') {
      if (here === '') return false;
      here = parentOf(here);
      continue;
    }
    const next = here === '' ? segment : `${here}/${segment}`;
    const node = seen.get(next);
    if (node?.kind !== 'symlink') {
      here = next;
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) return true;
    if (node.target.startsWith('/')) return false;
    pending.push(...node.target.split('/').reverse());
  }
  return true;
}

function refused(entry: TarEntry, why: string): HostError {
  return new HostError(
    'invalid-archive',
    `The archive was not unpacked: of its entry ${JSON.stringify(entry.name)}, ${why}.`,
  );
}
