import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKeyring } from '@seedbed/blob-store';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SeedId } from '../seed-facts.ts';
import { createDirectoryJournal } from './directory-journal.ts';
import type { JournalNote } from './seed-journal.ts';

let folder: string;
let directory: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seedbed-journal-'));
  directory = join(folder, 'made/when/needed');
});
afterEach(() => rm(folder, { recursive: true }));

const note = (basis: string): JournalNote => ({
  type: 'credential',
  seedId: 'seed' as SeedId,
  store: 'memory',
  basis,
  holder: 'task#1',
  fence: 3,
  how: 'rotated',
  bytes: Buffer.from(`a secret that came out of ${basis}`),
});
const keyring = (fill: number) => createKeyring({ current: 'k', keys: { k: new Uint8Array(32).fill(fill) } });
const plain = () => createDirectoryJournal({ directory, sealing: 'plaintext' });
const basisOf = ({ note: { type, ...rest } }: { readonly note: JournalNote }): unknown =>
  type === 'ended' ? undefined : 'basis' in rest ? rest.basis : undefined;

describe('a journal in a folder', () => {
  it.each(['~', '~/journal', '~me'])('is in no folder called %s', (directory) => {
    const message = expect.stringMatching(/^directory cannot be "~.*os\.homedir\(\)/);
    const wanted = expect.objectContaining({ code: 'invalid-config', message });
    expect(() => createDirectoryJournal({ directory, sealing: 'plaintext' })).toThrow(wanted);
  });

  it('gives back what was let go of, in the order in which it was written', async () => {
    const journal = plain();
    for (const basis of ['one', 'two', 'three']) await (await journal.write(note(basis))).release();
    const taken = await plain().take();
    expect(taken.map(basisOf)).toEqual(['one', 'two', 'three']);
    expect(taken[0]?.note).toEqual(note('one'));
  });

  it('keeps a note from everybody while its program has it', async () => {
    const entry = await plain().write(note('one'));
    expect(await plain().take()).toEqual([]);
    await entry.release();
    expect(await plain().take()).toHaveLength(1);
    expect(await plain().take()).toEqual([]);
  });

  it('forgets what was removed', async () => {
    await (await plain().write(note('one'))).remove();
    expect(await plain().take()).toEqual([]);
    expect(await readdir(directory)).toEqual([]);
  });

  it('is empty where there is none yet', async () => {
    expect(await plain().take()).toEqual([]);
  });

  it('is for the eyes of this user, and sealed where there is a key', async () => {
    const journal = createDirectoryJournal({ directory, sealing: keyring(1) });
    await journal.write(note('one'));
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    const [name = ''] = await readdir(directory);
    expect((await stat(join(directory, name))).mode & 0o777).toBe(0o600);
    expect((await readFile(join(directory, name))).includes('secret')).toBe(false);
  });

  it('leaves what it has no key for to those who have', async () => {
    await (await createDirectoryJournal({ directory, sealing: keyring(1) }).write(note('one'))).release();
    expect(await createDirectoryJournal({ directory, sealing: keyring(2) }).take()).toEqual([]);
    expect(await createDirectoryJournal({ directory, sealing: keyring(1) }).take()).toHaveLength(1);
  });

  it('gives all notes of one lease to one, also where many take at once: none overtakes the one it came out of', async () => {
    const ofLease = (number: number): JournalNote => ({ ...note(`${number}`), holder: `task#${number % 4}` });
    for (let round = 0; round < 20; round += 1) {
      const journal = plain();
      const written = await Promise.all(
        Array.from({ length: 16 }, (_, number) => journal.write(ofLease(number))),
      );
      await Promise.all(written.map((entry) => entry.release()));
      const takers = await Promise.all(Array.from({ length: 6 }, () => plain().take()));
      const holders = takers.flatMap((taken) => [...new Set(taken.map((entry) => entry.note.holder))]);
      expect(new Set(holders).size).toBe(holders.length);
      await Promise.all(takers.flat().map((entry) => entry.remove()));
      for (const entry of await plain().take()) await entry.remove();
    }
    expect(await readdir(directory)).toEqual([]);
  });

  it('is not let go of by who was slower in the same program', async () => {
    const journal = plain();
    for (let round = 0; round < 100; round += 1) {
      for (const basis of ['one', 'two']) await (await journal.write(note(basis))).release();
      // As a program that has died has them.
      for (const name of await readdir(directory))
        await rename(join(directory, name), join(directory, `${name}.999999999-1`));
      const takers = await Promise.all([plain().take(), plain().take(), plain().take()]);
      // Who met in the middle of the folder has let go of them all: then they are there for the next.
      const entries = [...takers.flat(), ...(await plain().take())];
      expect(entries.map(basisOf)).toEqual(['one', 'two']);
      for (const entry of entries) await entry.remove();
      expect(await readdir(directory)).toEqual([]);
    }
  });

  it('gives nobody a later note of a lease while a living program has an earlier one', async () => {
    const journal = plain();
    const first = await journal.write(note('one'));
    await (await journal.write(note('two'))).release();
    await (await journal.write({ ...note('of another'), holder: 'task#2' })).release();
    expect((await plain().take()).map(basisOf)).toEqual(['of another']);
    await first.release();
    expect((await plain().take()).map(basisOf)).toEqual(['one', 'two']);
  });

  it('passes over what is damaged, and throws nothing away', async () => {
    const journal = plain();
    for (const basis of ['one', 'two']) await (await journal.write(note(basis))).release();
    const [first = ''] = (await readdir(directory)).sort();
    await truncate(join(directory, first), 20);
    await writeFile(join(directory, 'something else'), '');
    expect((await plain().take()).map(basisOf)).toEqual(['two']);
    expect(await readdir(directory)).toContain(first);
  });

  it('says where it is when it cannot be written', async () => {
    await writeFile(join(folder, 'made'), 'a file in the way');
    await expect(plain().write(note('one'))).rejects.toMatchObject({
      code: 'journal-failed',
      message: expect.stringContaining(directory),
    });
  });

  it('has every note of a program that was killed, whole, and gives each to one who takes it', async () => {
    const program = join(import.meta.dirname, '../../test/dying-writer-child.ts');
    const writer = spawn(process.execPath, [program, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    for await (const chunk of writer.stdout) {
      said += chunk;
      if (said.split('\n').length > 20) writer.kill('SIGKILL');
    }
    if (writer.exitCode === null && writer.signalCode === null) await once(writer, 'exit');
    const confirmed = said.split('\n').filter((line) => line !== '').length;
    const takers = await Promise.all([plain().take(), plain().take(), plain().take()]);
    // Who met in the middle of the folder has let go of them all: then they are there for the next.
    const taken = [...takers.flat(), ...(await plain().take())].map(basisOf);
    expect(new Set(taken).size).toBe(taken.length);
    expect(taken.length).toBeGreaterThanOrEqual(confirmed);
    for (let number = 0; number < confirmed; number += 1) expect(taken).toContain(`${number}`);
    expect((await readdir(directory)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});
