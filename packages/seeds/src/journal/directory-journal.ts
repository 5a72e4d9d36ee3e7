import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { refuseTilde } from '../require-settings.ts';
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

/** `<order>-<lease>-<id>.note` is free; with `.<process>` behind it, it is that process's. */
const NOTE_NAME = /^(\d{15}-([0-9a-f]{16})-[0-9a-f-]{36})\.note(?:\.(\d+-\d+))?$/;
const TEMPORARY_NAME = /^\.[0-9a-f-]{36}\.(\d+-\d+)\.tmp$/;

/**
 * A journal in a folder: a file for each note, sealed, written to a temporary file, synchronised to the disk and renamed.
 *
 * A file belongs to the process that its name ends in. Whoever finds that process dead renames the file to its own name: the file system lets one win. The notes of one lease go
 * together, since each came out of the one before: nobody takes a later one while somebody has an earlier one.
 *
 * @throws {SeedError} `invalid-config` for a folder below `~`.
 */
export function createDirectoryJournal({ directory, sealing: choice }: DirectoryJournalOptions): SeedJournal {
  refuseTilde({ directory });
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
      const id = `${String(latest).padStart(15, '0')}-${leaseName(note)}-${randomUUID()}`;
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
      const taken = new Map<string, JournalEntry>();
      const unreadable = new Set<string>();
      /** Leases of which somebody else has a note. */
      const others = new Set<string>();
      for (const name of await namesIn(directory)) {
        const temporary = TEMPORARY_NAME.exec(name)?.[1];
        if (temporary !== undefined && !isAlive(temporary)) await rm(join(directory, name), { force: true });
        const [, id, lease, owner] = NOTE_NAME.exec(name) ?? [];
        if (id === undefined || lease === undefined) continue;
        if (owner !== undefined && isAlive(owner)) others.add(lease);
        if (others.has(lease)) continue;
        const note = await claim(directory, { name, id, own, sealing });
        if (note === 'not-had') others.add(lease);
        else if (note === 'unreadable') unreadable.add(id);
        else taken.set(id, entryOf(id, note));
      }
      // A name that changed while the folder was read may not have been among those.
      for (const name of taken.size === 0 ? [] : await namesIn(directory)) {
        const [, id = '', lease] = NOTE_NAME.exec(name) ?? [];
        if (lease !== undefined && !taken.has(id) && !unreadable.has(id)) others.add(lease);
      }
      return await withoutOthers([...taken.values()], others);
    },
  };
}

interface Claim {
  readonly name: string;
  readonly id: string;
  readonly own: string;
  readonly sealing: Sealing;
}

/** `not-had`: somebody else was quicker, or the disk fails. `unreadable`: another's key, or damage; a lease's other notes have the same key. */
async function claim(
  directory: string,
  { name, id, own, sealing }: Claim,
): Promise<JournalNote | 'not-had' | 'unreadable'> {
  const mine = join(directory, `${id}.note.${own}`);
  const letGo = (): Promise<void> => rename(mine, join(directory, `${id}.note`)).catch(() => undefined);
  try {
    await rename(join(directory, name), mine);
  } catch {
    // What is called so now may be that of somebody else in this process, who was quicker: it is not ours to let go of.
    return 'not-had';
  }
  let bytes: Uint8Array;
  try {
    bytes = await readFile(mine);
  } catch {
    await letGo();
    return 'not-had';
  }
  try {
    return parseNote(sealing.open(bytes, noteContext(id)));
  } catch {
    // Not ours to read, and not ours to throw away.
    await letGo();
    return 'unreadable';
  }
}

/** The notes of those leases of which nobody else has any; the rest is let go of. */
async function withoutOthers(
  taken: readonly JournalEntry[],
  others: ReadonlySet<string>,
): Promise<JournalEntry[]> {
  const isOthers = ({ note }: JournalEntry): boolean => others.has(leaseName(note));
  for (const entry of taken) if (isOthers(entry)) await entry.release().catch(() => undefined);
  return taken.filter((entry) => !isOthers(entry));
}

/** In the order in which they were written. */
async function namesIn(directory: string): Promise<string[]> {
  return await attempted(`look into ${directory}`, async () => {
    try {
      return (await readdir(directory)).sort();
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
  z.object({ type: z.literal('ended'), ...lease, last: z.string().optional() }),
]);

function encodeNote(note: JournalNote): Uint8Array {
  const bytes = note.type === 'credential' ? { bytes: Buffer.from(note.bytes).toString('base64') } : {};
  return Buffer.from(JSON.stringify({ ...note, ...bytes }));
}

function parseNote(bytes: Uint8Array): JournalNote {
  const note = noteSchema.parse(JSON.parse(Buffer.from(bytes).toString()));
  return { ...note, seedId: note.seedId as SeedId };
}

/** Of which lease a note is, without saying whose. */
function leaseName({ holder }: JournalNote): string {
  return createHash('sha256').update(holder).digest('hex').slice(0, 16);
}

function noteContext(id: string): string {
  return `seed-journal/${id}`;
}
