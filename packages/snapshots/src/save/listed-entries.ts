import type { FileStat } from '@seedbed/host';
import { createPathList, type GrowingPathList, type PathList } from '../compact/path-list.ts';
import type { RecordReader, RecordWriter } from '../compact/record.ts';

/** What lies in a folder, as it was listed. */
export interface ListedEntry {
  readonly path: string;
  readonly stat: FileStat;
  /** What a symbolic link says. */
  readonly target?: string;
}

/** What a listing gave, some 100 bytes for each path of 40 characters. */
export function createListedEntries(): GrowingPathList<ListedEntry> {
  return createPathList<ListedEntry>({ write: writeListed, read: readListed });
}

/** The identity of each that is a file, in their order. */
export function identitiesOfFiles(listed: PathList<ListedEntry>): Iterable<string | undefined> {
  return listed.parts((from) => {
    if (KINDS[from.byte()] !== 'file') return undefined;
    from.skipNumbers(4);
    return from.text();
  });
}

/** Whether two looks at a path saw the same, as far as marks tell. */
export function isUntouched(a: ListedEntry, b: ListedEntry): boolean {
  return (
    a.stat.kind === b.stat.kind &&
    a.stat.size === b.stat.size &&
    a.stat.mode === b.stat.mode &&
    a.stat.modifiedMs === b.stat.modifiedMs &&
    a.stat.changedMs === b.stat.changedMs &&
    a.stat.identity === b.stat.identity &&
    a.target === b.target
  );
}

const KINDS = ['file', 'directory', 'symlink', 'other'] as const;

function writeListed({ stat, target }: ListedEntry, to: RecordWriter): void {
  to.byte(KINDS.indexOf(stat.kind));
  to.number(stat.size);
  to.number(stat.mode);
  to.number(stat.modifiedMs);
  to.number(stat.changedMs);
  to.text(stat.identity);
  to.number(stat.uid);
  to.byte(target === undefined ? 0 : 1);
  if (target !== undefined) to.text(target);
}

function readListed(from: RecordReader, path: string): ListedEntry {
  const stat: FileStat = {
    kind: KINDS[from.byte()] ?? 'other',
    size: from.number(),
    mode: from.number(),
    modifiedMs: from.number(),
    changedMs: from.number(),
    identity: from.text(),
    uid: from.number(),
  };
  return from.byte() === 0 ? { path, stat } : { path, stat, target: from.text() };
}
