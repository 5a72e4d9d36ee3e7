import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../test/disk-tree.ts';
import type { LiveMemory } from '../../test/live-memory-child.ts';

const CHILD = join(import.meta.dirname, '../../test/live-memory-child.ts');

it('what a program remembers of a snapshot is some bytes for each file, and no objects', async () => {
  await using folder = await temporaryFolder();
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', CHILD, folder.path, '4000']);
  const { heapBytes, bufferBytes }: LiveMemory = JSON.parse(stdout);
  // As objects with strings it was some 800.
  expect(heapBytes).toBeLessThan(400);
  expect(bufferBytes).toBeLessThan(700);
});
