import type { JournalEntry, JournalNote, SeedJournal } from '../src/journal/seed-journal.ts';
import { SeedError } from '../src/seed-error.ts';
import type { Dice } from './dice.ts';

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

/** With dice, who takes notes leaves some to others: all of a lease, or none. */
export function createMemoryJournal(dice?: Dice): MemoryJournal {
  return journalOf({ rows: [], dead: new Set(), dice }, 'first');
}

interface Disk {
  readonly rows: Row[];
  readonly dead: Set<string>;
  readonly dice: Dice | undefined;
}

function journalOf(disk: Disk, program: string): MemoryJournal {
  const { dead, dice, rows } = disk;
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
      const isFree = ({ owner }: Row): boolean => owner === undefined || dead.has(owner);
      const others = new Set(rows.filter((row) => !isFree(row)).map(({ note }) => note.holder));
      for (const holder of new Set(rows.map(({ note }) => note.holder)))
        if (dice?.happens(0.2)) others.add(holder);
      const free = rows.filter((row) => isFree(row) && !others.has(row.note.holder));
      for (const row of free) row.owner = program;
      return free.map(entryOf);
    },
    another: (name) => journalOf(disk, name),
    die: (name) => {
      dead.add(name);
    },
    failWrites() {
      fails = true;
    },
    size: () => rows.length,
  };
}
