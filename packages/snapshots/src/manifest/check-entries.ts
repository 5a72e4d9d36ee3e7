import { digestOfChunk, EMPTY_DIGEST } from '../content/chunk-id.ts';
import { SnapshotError } from '../snapshot-error.ts';
import type { FileEntry, Manifest, SnapshotEntry } from './manifest.ts';

/** Linux's PATH_MAX. */
const MAX_PATH = 4_096;

/**
 * Refuses entries that must not be put into a folder: paths that leave it, two in one place, something below what is no folder, links to what comes later.
 * A manifest is sealed, but who can write to the store can have written it.
 * @throws {SnapshotError} `refused-entry`, and `damaged` for a file that its chunks don't make up.
 */
export function checkEntries({ entries, chunks }: Pick<Manifest, 'entries' | 'chunks'>): void {
  const kinds = new Map<string, SnapshotEntry['kind']>([['', 'directory']]);
  for (const entry of entries) {
    const { path } = entry;
    const segments = path.split('/');
    if (segments.some((name) => name === '' || name === '.' || name === '..'))
      throw refused(path, 'it leaves the folder, or is not in the plain form of a path');
    if (path.includes('\0') || path.length > MAX_PATH) throw refused(path, 'no host has such a path');
    const parent = segments.slice(0, -1).join('/');
    if (kinds.get(parent) !== 'directory')
      throw refused(path, 'what it lies in is no folder of the snapshot');
    if (kinds.has(path)) throw refused(path, 'something else is in its place');
    if (entry.kind === 'hard-link' && kinds.get(entry.target) !== 'file')
      throw refused(path, 'it is another name of something that is no earlier file');
    if (entry.kind === 'file') checkContent(entry, chunks);
    kinds.set(path, entry.kind);
  }
}

/** Its chunks are checked when they are read: here, that they make up the file. */
function checkContent({ path, size, digest, chunks: ids }: FileEntry, places: Manifest['chunks']): void {
  const bytes = ids.reduce((sum, id) => sum + (places.get(id)?.bytes ?? Number.NaN), 0);
  const [first] = ids;
  const single = first === undefined ? EMPTY_DIGEST : digestOfChunk(first);
  if (bytes === size && (ids.length > 1 || digest === single)) return;
  throw new SnapshotError(
    'damaged',
    `The snapshot was not restored: what it names as the content of ${JSON.stringify(path)} does not make up that file.`,
  );
}

function refused(path: string, why: string): SnapshotError {
  return new SnapshotError(
    'refused-entry',
    `The snapshot was not restored: of its entry ${JSON.stringify(path)}, ${why}.`,
  );
}
