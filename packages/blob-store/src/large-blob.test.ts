import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describeOnMongodb } from '@seedbed/mongodb-server';
import { expect, it } from 'vitest';
import { ensureIndexes } from './gridfs/index.ts';

const run = promisify(execFile);
const PROGRAM = join(import.meta.dirname, '../test/large-blob-child.ts');

async function peakOf(megabytes: number, place: readonly string[]): Promise<number> {
  const { stdout } = await run(process.execPath, [PROGRAM, String(megabytes), ...place]);
  const { read, peakMiB }: { read: number; peakMiB: number } = JSON.parse(stdout);
  expect(read).toBe(megabytes * 1_048_576);
  return peakMiB;
}

it('a sealed gigabyte goes into a folder and comes back in bounded memory', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'seedbed-large-'));
  try {
    expect(await peakOf(1_024, ['directory', folder])).toBeLessThan(250);
  } finally {
    await rm(folder, { recursive: true });
  }
}, 600_000);

describeOnMongodb('a large sealed blob', (database) => {
  it('goes into GridFS and comes back in bounded memory', async () => {
    await ensureIndexes(database().db);
    // A server in memory has to hold all of it: a quarter of a gigabyte is enough to tell.
    const place = ['gridfs', database().uri, database().db.databaseName];
    expect(await peakOf(256, place)).toBeLessThan(250);
  }, 600_000);
});
