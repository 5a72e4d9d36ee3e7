import { execFile } from 'node:child_process';
import { mkdtempDisposable, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const program = join(import.meta.dirname, 'main.ts');

async function runIn(folder: string, key: Buffer): Promise<string> {
  const env = { ...process.env, SNAPSHOT_KEY: key.toString('base64') };
  return (await promisify(execFile)(process.execPath, [program], { cwd: folder, env })).stdout;
}

it('says what has changed, and brings the first state back', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'saved-folder-'));
  const key = Buffer.alloc(32, 'k');
  const line = "[ { path: 'notes.txt', what: [ 'content' ] } ] 6 bytes read, 5 fetched\n";
  expect(await runIn(folder.path, key)).toBe(line);
  expect(await readFile(join(folder.path, 'work/notes.txt'), 'utf8')).toBe('first');
  await runIn(folder.path, key);
  // Another key is never a silent beginning.
  await expect(runIn(folder.path, Buffer.alloc(32, 'x'))).rejects.toThrow('SnapshotError');
});
