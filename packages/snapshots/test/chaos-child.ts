// Usage: node chaos-child.ts <folder> <save|restore> <round>. Saves a folder that changes, or restores it, over and over, until it is killed. Prints a line when it begins, and after each.
import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createKeyring } from '@seedbed/blob-store';
import { openDirectoryBlobStore } from '@seedbed/blob-store/directory';
import { hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { createSnapshots, type Snapshots } from '../src/index.ts';
import { openSqliteSnapshotIndex } from '../src/sqlite/index.ts';
import { seen } from './disk-tree.ts';
import { pattern } from './random-tree.ts';

/** The store of a chaos test, as any program would open it. */
export async function openChaosStore(
  folder: string,
): Promise<{ readonly snapshots: Snapshots } & Disposable> {
  const blobs = await openDirectoryBlobStore({ folder: join(folder, 'blobs') });
  const index = openSqliteSnapshotIndex({ file: join(folder, 'index.sqlite') });
  const encryption = createKeyring({ current: 'k', keys: { k: Buffer.alloc(32, 7) } });
  return {
    snapshots: createSnapshots({ index, blobs, encryption }),
    [Symbol.dispose]: () => index[Symbol.dispose](),
  };
}

/** One value for all that can be seen of a folder, but for times: those that a clock gives are exact to the microsecond only. */
export async function digestOfTree(folder: string): Promise<string> {
  return createHash('sha256')
    .update(JSON.stringify([...(await seen(folder, { times: false }))]))
    .digest('hex');
}

async function change(work: string, round: number): Promise<void> {
  for (let at = 0; at < 6; at += 1) {
    const number = (round * 7 + at * 3) % 20;
    const file = join(work, `folder-${number % 4}`, `file-${number}`);
    await mkdir(join(file, '..'), { recursive: true });
    if (at === 5) await rm(file, { force: true });
    else await writeFile(file, pattern(20_000 + 90_000 * (number % 3), round * 31 + number));
  }
}

/** Changes the folder and saves it. */
export async function saveChanged(snapshots: Snapshots, folder: string, round: number): Promise<void> {
  const work = join(folder, 'work');
  await mkdir(work, { recursive: true });
  await change(work, round);
  const facts = { digest: await digestOfTree(work) };
  await snapshots.save(createLocalHost(), hostPath(work), { task: 't', facts, exclude: [], keep: 3 });
}

async function run(folder: string, mode: string, first: number): Promise<never> {
  const host = createLocalHost();
  const { snapshots } = await openChaosStore(folder);
  process.stdout.write('ready\n');
  for (let round = first; ; round += 1) {
    if (mode === 'save') {
      await saveChanged(snapshots, folder, round);
    } else {
      const rows = await snapshots.list('t');
      const row = rows[round % rows.length];
      if (row === undefined) throw new Error('There is no snapshot.');
      await snapshots.restore(host, hostPath(join(folder, 'again')), { task: 't', number: row.number });
    }
    process.stdout.write('done\n');
  }
}

const [folder, mode, round] = process.argv.slice(2);
if (import.meta.main && folder !== undefined && mode !== undefined) await run(folder, mode, Number(round));
