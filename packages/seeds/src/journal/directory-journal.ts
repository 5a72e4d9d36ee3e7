import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type Sealing, type SealingChoice, sealingOf } from '../sealing.ts';
import { SeedError } from '../seed-error.ts';
import type { SeedId } from '../seed-facts.ts';
import { isAlive, ownProcessName } from './process-name.ts';
import type { JournalEntry, JournalNote, SeedJournal } from './seed-journal.ts';

export interface DirectoryJournalOptions {
  /** On this machine's own disk; created for this user alone. Programs of one machine may share it. */
  readonly directory: string;
  /** The keyring that seals the notes, or the word `plaintext`. Who has no such key leaves the notes to others. */
  readonly sealing: SealingChoice;
}

/** `<order>-<id>.note` is free; with `.<process>` behind it, it is that process's. */
const NOTE_NAME = /^(\d{15}-[0-9a-f-]{36})\.note(?:\.(\d+-\d+))?$/;
const TEMPORARY_NAME = /^\.[0-9a-f-]{36}\.(\d+-\d+)\.tmp$/;

/**
 * A journal in a folder: a file for each note, sealed, written to a temporary file, synchronised to the disk and renamed.
 *
 * A file belongs to the process that its name ends in. Whoever finds that process dead renames the file to its own name: the file system lets one win.
 */
export function createDirectoryJournal({ directory, sealing: choice }: DirectoryJournalOptions): SeedJournal {
  const sealing = sealingOf(choice);
  const own = ownProcessName();
  let latest = 0;

  const entryOf = (id: string, note: JournalNote): JournalEntry => {
    const path = join(directory, `${id}.note.${own}`);
    return {
      note,
      remove: () => attempted(`remove ${path}`, () => rm(path, { force: true })),
      release: () => attempted(`let go of ${path}`, () => rename(path, join(directory, `${id}.note`))),
    };
  };
  return {
    async write(note) {
      latest = Math.max(latest + 1, Date.now());
      const id = `${String(latest).padStart(15, '0')}-${randomUUID()}`;
      await attempted(`write into ${directory}`, async () => {
        await mkdir(directory, { recursive: true, mode: 0o700 });
        const temporary = join(directory, `.${randomUUID()}.${own}.tmp`);
        await writeDurably(temporary, sealing.seal(encodeNote(note), noteContext(id)));
        await rename(temporary, join(directory, `${id}.note.${own}`));
        await synchronise(directory);
      });
      return entryOf(id, note);
    },
    async take() {
      const taken: JournalEntry[] = [];
      for (const name of (await namesIn(directory)).sort()) {
        const temporary = TEMPORARY_NAME.exec(name)?.[1];
        if (temporary !== undefined && !isAlive(temporary)) await rm(join(directory, name), { force: true });
        const [, id, owner] = NOTE_NAME.exec(name) ?? [];
        if (id === undefined || (owner !== undefined && isAlive(owner))) continue;
        const note = await claim(directory, { name, id, own, sealing });
        if (note !== undefined) taken.push(entryOf(id, note));
      }
      return taken;
    },
  };
}

interface Claim {
  readonly name: string;
  readonly id: string;
  readonly own: string;
  readonly sealing: Sealing;
}

/** `undefined` when another process was quicker, or holds the key. */
async function claim(directory: string, { name, id, own, sealing }: Claim): Promise<JournalNote | undefined> {
  const mine = join(directory, `${id}.note.${own}`);
  const isWon = await rename(join(directory, name), mine).then(
    () => true,
    () => false,
  );
  if (!isWon) return undefined;
  try {
    return parseNote(sealing.open(await readFile(mine), noteContext(id)));
  } catch {
    // Another's key, or damage: not ours to read, and not ours to throw away.
    await rename(mine, join(directory, `${id}.note`)).catch(() => undefined);
    return undefined;
  }
}

async function namesIn(directory: string): Promise<string[]> {
  return await attempted(`look into ${directory}`, async () => {
    try {
      return await readdir(directory);
    } catch (failure) {
      if (failure instanceof Error && 'code' in failure && failure.code === 'ENOENT') return [];
      throw failure;
    }
  });
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function synchronise(directory: string): Promise<void> {
  const folder = await open(directory, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function attempted<T>(attempt: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SeedError('journal-failed', `The journal could not ${attempt}: ${reason}`, { cause });
  }
}

const lease = { seedId: z.string(), store: z.string(), holder: z.string(), fence: z.number() };
const noteSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('credential'),
    ...lease,
    basis: z.string(),
    how: z.enum(['rotated', 'refreshed']),
    bytes: z.base64().transform((text): Uint8Array => Buffer.from(text, 'base64')),
  }),
  z.object({ type: z.literal('refreshing'), ...lease, basis: z.string() }),
  z.object({ type: z.literal('ended'), ...lease }),
]);

function encodeNote(note: JournalNote): Uint8Array {
  const bytes = note.type === 'credential' ? { bytes: Buffer.from(note.bytes).toString('base64') } : {};
  return Buffer.from(JSON.stringify({ ...note, ...bytes }));
}

function parseNote(bytes: Uint8Array): JournalNote {
  const note = noteSchema.parse(JSON.parse(Buffer.from(bytes).toString()));
  return { ...note, seedId: note.seedId as SeedId };
}

function noteContext(id: string): string {
  return `seed-journal/${id}`;
}
