import type { JournalEntry, JournalNote, SeedJournal } from '../src/journal/seed-journal.ts';
import { SeedError } from '../src/seed-error.ts';

interface Row {
  readonly note: JournalNote;
  owner: string | undefined;
}

/** A machine's journal without a disk, shared by programs that can be told to die. */
export interface MemoryJournal extends SeedJournal {
  /** The same notes as another program has them. */
  another(program: string): MemoryJournal;
  /** From now on that program's notes are anybody's, and it writes no more. */
  die(program: string): void;
  failWrites(): void;
  size(): number;
}

export function createMemoryJournal(): MemoryJournal {
  return journalOf([], new Set(), 'first');
}

function journalOf(rows: Row[], dead: Set<string>, program: string): MemoryJournal {
  let fails = false;
  const entryOf = (row: Row): JournalEntry => ({
    note: row.note,
    async remove() {
      if (!dead.has(program) && rows.includes(row)) rows.splice(rows.indexOf(row), 1);
    },
    async release() {
      row.owner = undefined;
    },
  });
  return {
    async write(note) {
      if (fails || dead.has(program)) throw new SeedError('journal-failed', 'The journal is told to fail.');
      const row: Row = { note, owner: program };
      rows.push(row);
      return entryOf(row);
    },
    async take() {
      const free = rows.filter(({ owner }) => owner === undefined || dead.has(owner));
      for (const row of free) row.owner = program;
      return free.map(entryOf);
    },
    another: (name) => journalOf(rows, dead, name),
    die: (name) => {
      dead.add(name);
    },
    failWrites() {
      fails = true;
    },
    size: () => rows.length,
  };
}
