import assert from 'node:assert/strict';
import type { Host } from '../../host.ts';
import { type HostPath, joinHostPath } from '../../host-path.ts';
import { type WalkOptions, walk } from '../../walk.ts';
import { type CaseDefinition, rejectsWith } from './contract-case.ts';

/** Walking trees. */
export const walkCases: readonly CaseDefinition[] = [
  {
    name: 'walks a tree in order, links as links, without what is excluded',
    async check({ host, folder }) {
      await plant(host, folder);
      assert.deepEqual(await walked(host, folder), [
        'a',
        'a/deep',
        'a/deep/file',
        'a/loop',
        'b',
        'b/x.log',
        'broken',
        'c',
        'out',
      ]);
      const exclude = ['*.log', 'a/deep', 'out'];
      assert.deepEqual(await walked(host, folder, { exclude }), ['a', 'a/loop', 'b', 'broken', 'c']);
    },
  },
  {
    name: 'tells what it leaves out of a walk, and nothing of what is below it',
    async check({ host, folder }) {
      await plant(host, folder);
      const told: string[] = [];
      const exclude = ['*.log', 'deep', 'out', 'never/there'];
      const kept = await walked(host, folder, { exclude, onExcluded: (path) => void told.push(path) });
      assert.deepEqual(kept, ['a', 'a/loop', 'b', 'broken', 'c']);
      assert.deepEqual(told.sort(), ['a/deep', 'b/x.log', 'out']);
    },
  },
  {
    name: 'follows links in a walk without running in circles or out of the tree',
    async check({ host, folder }) {
      await plant(host, folder);
      const seen = await walked(host, folder, { followLinks: true });
      assert.deepEqual(seen, ['a', 'a/deep', 'a/deep/file', 'b', 'b/x.log', 'c']);
    },
  },
  {
    name: 'stops a walk at its limits',
    async check({ host, folder }) {
      await plant(host, folder);
      await rejectsWith(walked(host, folder, { maxDepth: 1 }), 'limit-exceeded');
      await rejectsWith(walked(host, folder, { maxEntries: 8 }), 'limit-exceeded');
      await rejectsWith(walked(host, folder, { maxBytes: 11 }), 'limit-exceeded');
      await rejectsWith(walked(host, folder, { signal: AbortSignal.abort() }), 'aborted');
      await rejectsWith(walked(host, joinHostPath(folder, 'missing')), 'not-found');
      assert.equal((await walked(host, folder, { maxDepth: 3, maxEntries: 9, maxBytes: 12 })).length, 9);
    },
  },
];

async function plant(host: Host, folder: HostPath): Promise<void> {
  await host.makeDirectory(joinHostPath(folder, 'a/deep'));
  await host.makeDirectory(joinHostPath(folder, 'b'));
  await host.writeFile(joinHostPath(folder, 'a/deep/file'), '12345');
  await host.writeFile(joinHostPath(folder, 'b/x.log'), '12345');
  await host.writeFile(joinHostPath(folder, 'c'), '12');
  await host.link(joinHostPath(folder, 'a/loop'), '..');
  await host.link(joinHostPath(folder, 'broken'), 'nowhere');
  await host.link(joinHostPath(folder, 'out'), '/');
}

async function walked(host: Host, folder: HostPath, options?: WalkOptions): Promise<string[]> {
  const seen: string[] = [];
  for await (const { relativePath } of walk(host, folder, options)) seen.push(relativePath);
  return seen;
}
