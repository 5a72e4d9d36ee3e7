import { execFile } from 'node:child_process';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describeOnMongodb } from '@seedbed/mongodb-server';
import { expect, it } from 'vitest';

async function outputOf(program: string, args: readonly string[], cwd?: string): Promise<string> {
  const env = { ...process.env, BLOB_KEY: Buffer.alloc(32, 'k').toString('base64') };
  const file = join(import.meta.dirname, program);
  return (await promisify(execFile)(process.execPath, [file, ...args], { cwd, env })).stdout;
}

it('opens from a folder what it has sealed there', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'sealed-blobs-'));
  expect(await outputOf('main.ts', [], folder.path)).toBe('hello, 5 bytes\n');
});

describeOnMongodb('in MongoDB', (database) => {
  it('says how many bytes were sealed', async () => {
    const url = new URL(database().uri);
    url.pathname = database().db.databaseName;
    const { databaseName } = database().db;
    const line = `gridfs ${databaseName}.fs, sealed: 5 bytes\n`;
    expect(await outputOf('in-mongodb.ts', [url.href])).toBe(line);
  });
});
