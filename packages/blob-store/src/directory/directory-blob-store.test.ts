import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFile,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mountSmallDisk, whyNoSmallDisk } from '../../test/small-disk.ts';
import { type BlobId, type BlobStore, createKeyring, sealBlobs } from '../index.ts';
import { inPieces, listedIds, patternBytes, readBlob } from '../testing/contract/contract-case.ts';
import { blobStoreContract } from '../testing/index.ts';
import { openDirectoryBlobStore } from './index.ts';

const keyring = createKeyring({ current: 'k', keys: { k: randomBytes(32) } });

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seedbed-blobs-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function contract(wrap: (store: BlobStore) => BlobStore): ReturnType<typeof blobStoreContract> {
  return blobStoreContract({
    create: async () => ({
      store: wrap(await openDirectoryBlobStore({ folder: join(folder, 'made', 'here') })),
      [Symbol.asyncDispose]: async () => undefined,
    }),
  });
}

describe('a directory store keeps the contract', () => {
  for (const { name, run } of contract((store) => store)) it(name, run);
});

describe('a directory store keeps the contract sealed', () => {
  for (const { name, run } of contract((store) => sealBlobs(store, keyring))) it(name, run);
});

describe('a directory store', () => {
  const fileOf = (id: BlobId): string => join(folder, 'blobs', id.slice(0, 2), id);
  const incoming = (): Promise<string[]> => readdir(join(folder, 'incoming'));

  it('keeps its files to their owner, and nothing aside', async () => {
    const place = join(folder, 'made');
    const store = await openDirectoryBlobStore({ folder: place });
    const id = await store.put(patternBytes(10));
    const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o7777;
    expect(await modeOf(join(place, 'blobs', id.slice(0, 2), id))).toBe(0o600);
    for (const each of [
      place,
      join(place, 'blobs'),
      join(place, 'blobs', id.slice(0, 2)),
      join(place, 'incoming'),
    ]) {
      expect(await modeOf(each)).toBe(0o700);
    }
    expect(await readdir(join(place, 'incoming'))).toEqual([]);
  });

  it('shows one program what another has put', async () => {
    const [one, other] = [await openDirectoryBlobStore({ folder }), await openDirectoryBlobStore({ folder })];
    const id = await one.put(patternBytes(10), { labels: { task: 't' } });
    expect(await readBlob(other, id)).toEqual(patternBytes(10));
    expect(await listedIds(other, { labels: { task: 't' } })).toEqual([id]);
  });

  it('tells of a file that was cut short, grew, or is none of its own, and does not list it', async () => {
    const store = await openDirectoryBlobStore({ folder });
    const damages: ((path: string) => Promise<void>)[] = [
      (path) => truncate(path, 0),
      (path) => truncate(path, 20),
      (path) => truncate(path, 60),
      (path) => truncate(path, 1_000),
      (path) => appendFile(path, 'x'),
      (path) => writeFile(path, 'something else, and long enough to have a header'),
      async (path) => {
        const bytes = await readFile(path);
        bytes[30] = 0;
        await writeFile(path, bytes);
      },
    ];
    for (const damage of damages) {
      const id = await store.put(patternBytes(5_000));
      await damage(fileOf(id));
      await expect(store.open(id)).rejects.toMatchObject({ code: 'damaged' });
      await expect(store.stat(id)).rejects.toMatchObject({ code: 'damaged' });
      expect(await listedIds(store)).toEqual([]);
    }
  });

  it('tells of a file that is cut short while it is read', async () => {
    const store = await openDirectoryBlobStore({ folder });
    const id = await store.put(patternBytes(2_000_000));
    const reader = (await store.open(id)).getReader();
    await reader.read();
    await truncate(fileOf(id), 300_000);
    const rest = async (): Promise<void> => {
      while (!(await reader.read()).done);
    };
    await expect(rest()).rejects.toMatchObject({ code: 'damaged' });
  });

  it('ignores what else lies in its folders', async () => {
    const store = await openDirectoryBlobStore({ folder });
    const id = await store.put(patternBytes(10));
    await writeFile(join(folder, 'blobs', 'README'), 'hello');
    await writeFile(`${fileOf(id)}.bak`, 'hello');
    expect(await listedIds(store)).toEqual([id]);
  });

  it('says that the disk is full, and leaves nothing', async (context) => {
    const why = whyNoSmallDisk();
    if (why !== undefined) return context.skip(why);
    await using disk = await mountSmallDisk();
    const store = await openDirectoryBlobStore({ folder: join(disk.path, 'blobs') });
    const kept = await store.put(patternBytes(100_000));
    for (const bytes of [patternBytes(900_000), inPieces(patternBytes(900_000), 10_000)]) {
      await expect(store.put(bytes)).rejects.toMatchObject({ code: 'no-space' });
      expect(await readdir(join(disk.path, 'blobs/incoming'))).toEqual([]);
    }
    expect(await readBlob(store, await store.put(patternBytes(200_000)))).toHaveLength(200_000);
    expect(await readBlob(store, kept)).toHaveLength(100_000);
  });

  it('lists nothing of a put whose program was killed, and sweeps what it left once it is old', async () => {
    const store = await openDirectoryBlobStore({ folder });
    const program = join(import.meta.dirname, '../../test/put-child.ts');
    const child = spawn(process.execPath, [program, 'directory', folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for await (const line of child.stdout) if (Number.parseInt(String(line), 10) > 3) break;
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    expect(await listedIds(store)).toEqual([]);
    const [left = ''] = await incoming();
    expect(await store.sweep()).toEqual({ removed: 0, bytes: 0 });
    const yesterday = new Date(Date.now() - 25 * 3_600_000);
    await utimes(join(folder, 'incoming', left), yesterday, yesterday);
    const { size } = await stat(join(folder, 'incoming', left));
    expect(await store.sweep()).toEqual({ removed: 1, bytes: size });
    expect(await incoming()).toEqual([]);
  });

  it.each(['~', '~/blobs', '~me/blobs', ''])('is opened in no folder called %j', async (folder) => {
    await expect(openDirectoryBlobStore({ folder })).rejects.toMatchObject({
      code: 'invalid-config',
      message: expect.stringMatching(
        folder === '' ? /^folder has to be/ : /^folder cannot be "~.*os\.homedir\(\)/,
      ),
    });
    expect(await readdir('.')).not.toContain(folder.split('/')[0]);
  });

  it('says what is wrong with a folder that can’t be made', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(openDirectoryBlobStore({ folder: join(folder, 'file', 'x') })).rejects.toMatchObject({
      code: 'io',
      message: expect.stringContaining(join(folder, 'file', 'x')),
    });
  });
});
