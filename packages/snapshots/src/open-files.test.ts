import { readdir, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLocalHost } from '@seedbed/host/local';
import { expect, it } from 'vitest';
import { openGround } from '../test/ground.ts';
import { pattern } from '../test/random-tree.ts';

const host = createLocalHost();

/** How many files below a folder this program has open, removed ones too. */
async function openBelow(folder: string): Promise<number> {
  const descriptors = await readdir('/proc/self/fd');
  const paths = await Promise.all(
    descriptors.map((each) => readlink(`/proc/self/fd/${each}`).catch(() => '')),
  );
  return paths.filter((path) => path.startsWith(folder)).length;
}

it('a file that was asked about is not open any more behind a save or a restore', async (context) => {
  if (process.platform !== 'linux') context.skip('there is no /proc that tells which files are open');
  await using ground = await openGround();
  const { snapshots, work } = ground;
  await writeFile(join(work, 'large'), pattern(3_000_000, 1));
  await snapshots.save(host, work, { task: 't' });
  // It is of this moment: what it seems to be has to be proved.
  const { progress } = await snapshots.save(host, work, { task: 't' });
  expect(progress).toMatchObject({ readBytes: 0, knownBytes: 3_000_000 });
  expect(await openBelow(ground.path)).toBe(0);
  expect(await snapshots.restore(host, work, { task: 't' })).toMatchObject({ reusedBytes: 3_000_000 });
  expect(await openBelow(ground.path)).toBe(0);
});
