import assert from 'node:assert/strict';
import { packDirectory } from '../../archive/pack-directory.ts';
import type { Host } from '../../host.ts';
import { HostError } from '../../host-error.ts';
import { type HostPath, joinHostPath } from '../../host-path.ts';
import { readText } from '../../read-text.ts';
import { run } from '../../run.ts';
import { walk } from '../../walk.ts';
import { bytesOf, type CaseDefinition, names, rejectsWith } from './contract-case.ts';

const MAX_PATH_BYTES = 4_095;
const NAME = 'n'.repeat(255);

/** Paths as long as Linux takes them, and longer ones. */
export const longPathCases: readonly CaseDefinition[] = [
  {
    name: 'works on paths as long as Linux takes them',
    needs: ['procfs'],
    async check({ host, folder }) {
      const real = await host.canonicalize(folder);
      const deep = folderOfLength(real, MAX_PATH_BYTES - 1 - NAME.length);
      const path = joinHostPath(deep, NAME);
      assert.equal(path.length, MAX_PATH_BYTES);
      await host.makeDirectory(deep);
      await host.writeFile(path, 'x');
      await host.setMode(path, 0o600);
      await host.setModified(path, 1_500_000_000_000);
      assert.equal(await readText(host, path), 'x');
      assert.equal((await host.stat(path))?.modifiedMs, 1_500_000_000_000);
      assert.deepEqual(await names(host, deep), [NAME]);
      assert.equal(await host.canonicalize(path), path);
      await host.rename(path, joinHostPath(deep, 'short'));
      await host.link(path, 'short');
      assert.equal(await host.readLink(path), 'short');
      assert.equal(await host.canonicalize(path, { within: deep }), joinHostPath(deep, 'short'));
      await host.remove(path);
      await host.link(path, joinHostPath(deep, 'short'), { hard: true });
      const seen: string[] = [];
      for await (const { path: found } of walk(host, real, { maxDepth: 4_096 })) seen.push(found);
      assert.deepEqual(seen.slice(-2), [path, joinHostPath(deep, 'short')]);
    },
  },
  {
    name: 'refuses longer paths, whatever is to be done with them',
    async check({ host, folder }) {
      const long = joinHostPath(folderOfLength(folder, MAX_PATH_BYTES - 10), 'just-too-long');
      const short = joinHostPath(folder, 'short');
      await host.writeFile(short, 'x');
      for (const path of [long, joinHostPath(long, ...Array.from({ length: 20 }, () => NAME))]) {
        await rejectsWith(host.readFile(path), 'invalid-path');
        await rejectsWith(host.writeFile(path, 'x'), 'invalid-path');
        await rejectsWith(host.writeFile(path, 'x', { ifAbsent: true }), 'invalid-path');
        await rejectsWith(host.stat(path), 'invalid-path');
        await rejectsWith(names(host, path), 'invalid-path');
        await rejectsWith(host.makeDirectory(path), 'invalid-path');
        await rejectsWith(host.remove(path), 'invalid-path');
        await rejectsWith(host.rename(path, short), 'invalid-path');
        await rejectsWith(host.rename(short, path), 'invalid-path');
        await rejectsWith(host.link(path, 'x'), 'invalid-path');
        await rejectsWith(host.link(path, short, { hard: true }), 'invalid-path');
        await rejectsWith(host.link(joinHostPath(folder, 'link'), path), 'invalid-path');
        await rejectsWith(host.readLink(path), 'invalid-path');
        await rejectsWith(host.setMode(path, 0o600), 'invalid-path');
        await rejectsWith(host.setModified(path, 0), 'invalid-path');
        await rejectsWith(host.spawn({ argv: ['true'], cwd: path }), 'invalid-path');
        await rejectsWith(drain(host.watch(path, { signal: new AbortController().signal })), 'invalid-path');
        await leadsNowhere(host.canonicalize(path));
        await leadsNowhere(host.canonicalize(short, { within: path }));
      }
      assert.deepEqual(await names(host, folder), ['short']);
    },
  },
  {
    name: 'gets by with a tree that is deeper than a path can say',
    needs: ['shell'],
    async check({ host, folder }) {
      const root = joinHostPath(folder, 'root');
      await plantDeeply(host, root);
      const seen: string[] = [];
      const unreadable: string[] = [];
      const onUnreadable = (relativePath: string): void => void unreadable.push(relativePath);
      for await (const { relativePath } of walk(host, root, { onUnreadable })) seen.push(relativePath);
      assert.equal(seen[0], 'a');
      assert.equal(seen.at(-1), 'z');
      assert.ok(seen.length > 12, `gave ${seen.length} entries`);
      assert.equal(unreadable.length, 1);
      assert.match(unreadable[0] ?? '', /^a\/(0{250}\/)*0{250}$/);
      await rejectsWith(drain(walk(host, root)), 'invalid-path');
      await rejectsWith(bytesOf(packDirectory(host, root)), 'invalid-path');
      const skipped: string[] = [];
      const onSkip = (relativePath: string, reason: string): void =>
        void skipped.push(`${reason} ${relativePath}`);
      await bytesOf(packDirectory(host, root, { onSkip }));
      assert.deepEqual(skipped, [`unreadable ${unreadable[0]}`]);
      await host.remove(root, { recursive: true });
      assert.deepEqual(await names(host, folder), []);
    },
  },
];

/** Which is found first is up to the host: that the path is too long, or that its folder is not there. */
async function leadsNowhere(canonical: Promise<HostPath>): Promise<void> {
  await assert.rejects(canonical, (failure) => {
    assert.ok(failure instanceof HostError && ['invalid-path', 'not-found'].includes(failure.code));
    return true;
  });
}

/** A folder below `base` whose path has so many bytes. */
function folderOfLength(base: HostPath, length: number): HostPath {
  let path = base;
  while (length - path.length > NAME.length + 2) path = joinHostPath(path, NAME.slice(1));
  return joinHostPath(path, NAME.slice(0, length - path.length - 1));
}

async function plantDeeply(host: Host, root: HostPath): Promise<void> {
  const script = [
    'mkdir "$1" "$1/a" && cd "$1" && echo z >z && cd a || exit 1',
    'n=$(printf %0250d 0) i=0',
    'while [ "$i" -lt 40 ]; do mkdir "$n" && echo x >file && cd -P "./$n" || exit 1; i=$((i + 1)); done',
  ].join('\n');
  await run(host, { argv: ['sh', '-c', script, 'sh', root] }, { check: true });
}

async function drain(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items);
}
