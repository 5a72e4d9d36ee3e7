import { HostError } from '../host-error.ts';
import type { TarEntry } from './tar-entry.ts';

export interface ArchiveLimits {
  /** 100,000 by default. */
  readonly maxEntries?: number;
  /** Of all files together. 16 GiB by default. */
  readonly maxBytes?: number;
}

export interface ArchiveGuardOptions extends ArchiveLimits {
  /** Symbolic links may lead out of the folder. Nothing is written through them all the same. */
  readonly allowOutsideLinks?: boolean;
}

/** An entry that may be unpacked: its name, and that of a hard link's target, normalised and below the folder. */
export interface SafeEntry extends TarEntry {
  /** `''` for the folder itself. */
  readonly name: string;
}

export interface ArchiveGuard {
  /** @throws {HostError} `invalid-archive`, `limit-exceeded`. */
  readonly admit: (entry: TarEntry) => SafeEntry;
  /** To be called before what was unpacked is used: only now is it known where the links lead. @throws {HostError} `invalid-archive`. */
  readonly finish: () => void;
}

const DEFAULT_MAX_ENTRIES = 100_000;
const DEFAULT_MAX_BYTES = 16 * 1024 ** 3;
const PERMISSION_BITS = 0o777;
const MAX_LINKS = 40;

type Seen = { readonly kind: 'file' | 'directory' } | { readonly kind: 'symlink'; readonly target: string };

/**
 * Refuses what must not be unpacked into a folder that is empty at first: names that leave it, entries below a link or a file, an entry in the place
 * of another, hard links to what the archive does not hold, links out of it, setuid, setgid and sticky bits.
 */
export function createArchiveGuard(options: ArchiveGuardOptions): ArchiveGuard {
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
      if ((entry.mode & ~PERMISSION_BITS) !== 0) throw refused(entry, 'it is setuid, setgid or sticky');
      const name = normalise(entry, entry.name);
      if (seen.size > 4 * maxEntries) throw exceeded(`${maxEntries} entries`);
      requireFolder(seen, entry, parentOf(name));
      const before = seen.get(name);
      if (before !== undefined && !(before.kind === 'directory' && entry.kind === 'directory')) {
        throw refused(entry, 'it takes the place of another entry');
      }
      const target = entry.kind === 'hard-link' ? hardTarget(seen, entry) : entry.target;
      if (entry.kind === 'symlink' && (target === '' || target.includes('\0')))
        throw refused(entry, 'it leads nowhere');
      seen.set(name, seenAs(entry));
      return { ...entry, name, target };
    },
    finish() {
      if (options.allowOutsideLinks) return;
      for (const [name, node] of seen) {
        if (node.kind === 'symlink' && !staysInside(seen, name, node.target)) {
          throw new HostError(
            'invalid-archive',
            `The archive was not unpacked: the link ${JSON.stringify(name)} leads out of the folder, to ${JSON.stringify(node.target)}.`,
          );
        }
      }
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

/** Whether following a link never leaves the folder, given all links of the archive. One that runs in circles leads nowhere. */
function staysInside(seen: ReadonlyMap<string, Seen>, name: string, target: string): boolean {
  if (target.startsWith('/')) return false;
  const trail = parentOf(name)
    .split('/')
    .filter((segment) => segment !== '');
  const pending = target.split('/');
  let links = 0;
  for (let segment = pending.shift(); segment !== undefined; segment = pending.shift()) {
    if (segment === '' || segment === '.') continue;
    if (segment === '..') {
      if (trail.pop() === undefined) return false;
      continue;
    }
    const node = seen.get([...trail, segment].join('/'));
    if (node?.kind !== 'symlink') {
      trail.push(segment);
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) return true;
    if (node.target.startsWith('/')) return false;
    pending.unshift(...node.target.split('/'));
  }
  return true;
}

function refused(entry: TarEntry, why: string): HostError {
  return new HostError(
    'invalid-archive',
    `The archive was not unpacked: of its entry ${JSON.stringify(entry.name)}, ${why}.`,
  );
}
