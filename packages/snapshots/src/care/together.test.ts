import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BlobStoreError, createKeyring } from '@seedbed/blob-store';
import { createMemoryBlobStore } from '@seedbed/blob-store/testing';
import { hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../test/disk-tree.ts';
import { pattern } from '../../test/random-tree.ts';
import { createSnapshots, SnapshotError, type Snapshots } from '../index.ts';
import { liveBlobs } from '../task-head.ts';
import { createMemorySnapshotIndex } from '../testing/index.ts';

const host = createLocalHost();
const keys = { old: randomBytes(32), young: randomBytes(32) };
const keyrings = (['old', 'young'] as const).map((current) => createKeyring({ current, keys }));

/** Where a store fails: before it has done something, or when it has and nobody hears of it. */
interface Weather {
  /** Of 100 operations. */
  readonly lost: number;
  readonly seed: number;
}

function openStore({ lost, seed }: Weather) {
  let state = seed;
  let isCalm = false;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) % below;
  };
  const pause = async (): Promise<boolean> => {
    for (let turns = random(6); turns > 0; turns -= 1) await new Promise((resolve) => setImmediate(resolve));
    return !isCalm && random(100) < lost;
  };
  const blobs = createMemoryBlobStore({
    faults: async () => ((await pause()) ? new BlobStoreError('unavailable', 'No answer.') : undefined),
  });
  const strike = async (): Promise<void> => {
    if (await pause()) throw new SnapshotError('store-failed', 'No answer.');
  };
  const index = createMemorySnapshotIndex({ onOperation: strike, onWritten: strike });
  const open = (): Snapshots =>
    createSnapshots({ index, blobs, encryption: keyrings[random(2)] ?? 'plaintext' });
  return {
    index,
    blobs,
    open,
    calm() {
      isCalm = true;
    },
  };
}

type Deed = 'save' | 'save in turn' | 'prune' | 'sweep' | 'delete' | 'reseal' | 'remove';

/** One program's work at a task, each with a folder of its own. */
async function work(snapshots: Snapshots, deeds: readonly Deed[], folder: string): Promise<void> {
  await mkdir(folder);
  for (const [at, deed] of deeds.entries()) {
    const number = (at + folder.length) % 3;
    await writeFile(join(folder, `file-${number}`), pattern(3_000, at));
    await perform(snapshots, deed, folder).catch((failure: unknown) => {
      // Whatever else comes is no ending that anybody was told of.
      const codes = ['conflict', 'store-failed', 'not-found'];
      if (!(failure instanceof SnapshotError) || !codes.includes(failure.code)) throw failure;
    });
  }
}

async function perform(snapshots: Snapshots, deed: Deed, folder: string): Promise<unknown> {
  const task = 't';
  switch (deed) {
    case 'save':
      return await snapshots.save(host, hostPath(folder), { task, keep: 2 });
    case 'save in turn':
      return await snapshots.save(host, hostPath(folder), { task, keep: 4 });
    case 'prune':
      return await snapshots.prune(task, { keep: 1 });
    case 'sweep':
      return await snapshots.prune(task, { keep: 3, orphansAfterMs: -60_000 });
    case 'delete':
      return await snapshots.delete(task, (await snapshots.list(task))[0]?.number ?? 1);
    case 'reseal':
      return await snapshots.reseal(task);
    case 'remove':
      return await snapshots.remove(task);
  }
}

const deeds = fc.array(
  fc.constantFrom<Deed>('save', 'save', 'save in turn', 'prune', 'sweep', 'delete', 'reseal', 'remove'),
  { minLength: 1, maxLength: 6 },
);

it.each([
  ['a store that answers', 0],
  ['a store of which answers are lost', 6],
])(
  'programs that save, prune, sweep, seal anew and remove at once leave whole snapshots and nothing else: %s',
  {
    timeout: 240_000,
  },
  async (_, lost) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(deeds, { minLength: 2, maxLength: 4 }),
        fc.nat({ max: 1_000_000 }),
        async (programs, seed) => {
          await using place = await temporaryFolder();
          const store = openStore({ lost, seed });
          await Promise.all(
            programs.map((program, at) =>
              work(store.open(), program, join(place.path, `${'p'.repeat(at + 1)}`)),
            ),
          );
          store.calm();
          const snapshots = store.open();
          for (const { number } of await snapshots.list('t'))
            expect(await snapshots.verify({ task: 't', number })).toMatchObject({ damaged: [] });
          await snapshots.prune('t', { keep: 5, orphansAfterMs: -60_000 });
          for (const { number } of await snapshots.list('t'))
            expect(await snapshots.verify({ task: 't', number })).toMatchObject({ damaged: [] });
          const head = await store.index.read('t');
          const left = (await Array.fromAsync(store.blobs.list())).map(({ id }) => id).sort();
          expect(left).toEqual([...liveBlobs(head?.snapshots ?? [])].sort());
          expect(head?.condemned ?? []).toEqual([]);
        },
      ),
      { numRuns: Number(process.env['SEEDBED_TOGETHER_RUNS'] ?? 25) },
    );
  },
);
