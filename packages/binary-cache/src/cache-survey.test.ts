import { chmod, mkdir, readdir, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Host,
  type HostPath,
  hostPath,
  hostPathName,
  joinHostPath,
  parentHostPath,
} from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { createMemoryHost } from '@seedbed/host/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { distant } from '../test/distant-host.ts';
import { scratchFolder } from '../test/scratch-folder.ts';
import { type ToolPackage, toolPackage } from '../test/tool-release.ts';
import { type BinaryCache, createBinaryCache } from './binary-cache.ts';
import { entryName, linkTarget } from './cache-layout.ts';
import { fileSource } from './file-source.ts';
import { artifactFor, type Release } from './release.ts';
import { parseSurvey } from './survey-script.ts';
import { filesOf, writeManifest } from './tree-lookup.ts';

interface Stage extends AsyncDisposable {
  readonly host: Host;
  readonly tool: ToolPackage;
  readonly cache: BinaryCache;
  readonly folder: string;
  /** What the host was asked. */
  readonly asked: readonly string[];
}

/** A distant host whose cache has the tool. */
async function stage(name = 'cache'): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const scratch = stack.use(await scratchFolder()).path;
  const local = stack.use(createLocalHost());
  const folder = join(scratch, name);
  const tool = await toolPackage({ ballast: 1_000 });
  const path = join(scratch, 'tool.tgz');
  await writeFile(path, tool.tarball);
  const cache = createBinaryCache({ sources: [fileSource({ path })], directory: hostPath(folder) });
  await cache.ensure(local, tool.release);
  const asked: string[] = [];
  const host = recorded(distant(local), asked);
  const resources = stack.move();
  return { host, tool, cache, folder, asked, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

function recorded(host: Host, asked: string[]): Host {
  const note = <A extends unknown[], R>(name: string, work: (...args: A) => R) => {
    return (...args: A): R => {
      asked.push(name);
      return work(...args);
    };
  };
  return {
    ...host,
    spawn: note('spawn', host.spawn),
    stat: note('stat', host.stat),
    readFile: note('readFile', host.readFile),
    writeFile: note('writeFile', host.writeFile),
    list: note('list', host.list),
    readLink: note('readLink', host.readLink),
    canonicalize: note('canonicalize', host.canonicalize),
  };
}

const markOf = async (folder: string): Promise<string> => {
  const [mark = ''] = await readdir(join(folder, 'v1', 'used'));
  return join(folder, 'v1', 'used', mark);
};

test('a distant host is asked one thing: to run a command that tells all', async () => {
  await using it = await stage();
  const found = await it.cache.ensure(it.host, it.tool.release);
  expect(found).toMatchObject({ origin: 'cache' });
  // The `stat` is the look at how far it is.
  expect(it.asked.toSorted()).toEqual(['spawn', 'stat']);
});

test('the look marks the tree as used on the host’s own clock', async () => {
  await using it = await stage();
  const mark = await markOf(it.folder);
  await utimes(mark, new Date(0), new Date(0));
  await it.cache.ensure(it.host, it.tool.release);
  expect((await stat(mark)).mtimeMs).toBeGreaterThan(Date.now() - 600_000);
});

test('what somebody put in the place of a mark is neither written to nor waited for', async () => {
  await using it = await stage();
  const mark = await markOf(it.folder);
  const other = join(it.folder, 'other');
  await writeFile(other, 'not yours');
  await rm(mark);
  await symlink(other, mark);
  await it.cache.ensure(it.host, it.tool.release);
  expect((await stat(other)).size).toBe(9);
});

test('a tree that is gone is not marked', async () => {
  await using it = await stage();
  const trees = join(it.folder, 'v1', 'trees');
  const [name = ''] = await readdir(trees);
  await rm(await markOf(it.folder));
  await rename(join(trees, name), join(it.folder, 'elsewhere'));
  expect(await it.cache.ensure(it.host, it.tool.release)).toMatchObject({ replaced: expect.any(String) });
  expect(await readdir(join(it.folder, 'v1', 'used'))).not.toContain(name);
});

test('a cache that others can write is refused from afar as from near', async () => {
  await using it = await stage();
  await chmod(join(it.folder, 'v1', 'trees'), 0o777);
  await expect(it.cache.ensure(it.host, it.tool.release)).rejects.toMatchObject({ code: 'cache-untrusted' });
});

test.each(['two  spaces', "it's", '$(touch x)', 'line\nbreak', 'ümläut', '-n'])(
  'a cache in a folder named %j is found from afar',
  async (name) => {
    await using it = await stage(name);
    const found = await it.cache.ensure(it.host, it.tool.release);
    expect(found).toMatchObject({ origin: 'cache' });
    expect(found.path.startsWith(`${it.folder}/`)).toBe(true);
  },
);

test('a file whose name could be taken for a line of the answer makes nobody believe it', async () => {
  await using it = await stage();
  const first = await it.cache.ensure(it.host, it.tool.release);
  const { mode, size, dev, ino, uid, mtimeMs } = await stat(first.path);
  const line = `${mode.toString(16)} ${size} ${dev}:${ino} ${uid} ${Math.floor(mtimeMs / 1000)} 2020-01-01 00:00:00.0 +0000 trees`;
  await mkdir(join(first.root, 'lib', `x\n${line}`), { recursive: true });
  await rm(first.path);
  const again = await it.cache.ensure(it.host, it.tool.release);
  expect(again.replaced).toContain('bin/tool is missing');
});

test('a host without a shell is asked in turn', async () => {
  await using memory = createMemoryHost();
  const { release } = await toolPackage();
  const directory = joinHostPath(memory.home, 'cache');
  const planted = await plantTool(memory, directory, release);
  const asked: string[] = [];
  const cache = createBinaryCache({ sources: [], directory });
  const found = await cache.ensure(distant(recorded(memory, asked)), release);
  expect(found).toMatchObject({ origin: 'cache', path: planted });
  expect(asked).toContain('readLink');
});

/** What an install leaves, on a host that cannot run one. */
async function plantTool(host: Host, directory: HostPath, release: Release): Promise<HostPath> {
  const artifact = artifactFor(release, host.platform);
  const { integrity, executable, companions } = artifact;
  const tree = joinHostPath(directory, 'v1', 'trees', 'tool-1.0.0-linux-x64.00000000000000aa');
  const facts = async (path: string) => {
    const found = await host.stat(joinHostPath(filesOf(tree), path));
    if (found === undefined) throw new Error(`there is no ${path}`);
    const { mode, modifiedMs, identity, size } = found;
    return { path, mode, modifiedMs, identity, size, sha256: '' };
  };
  for (const path of [executable, ...companions]) {
    const file = joinHostPath(filesOf(tree), path);
    await host.makeDirectory(parentHostPath(file));
    await host.writeFile(file, '#!/bin/sh\n', { mode: 0o755 });
  }
  for (const name of ['entries', 'incoming', 'used'])
    await host.makeDirectory(joinHostPath(directory, 'v1', name));
  await writeManifest(host, tree, {
    format: 1,
    name: release.name,
    version: release.version,
    platform: 'linux-x64',
    origin: 'downloaded',
    evidence: { kind: 'digest', integrity },
    executable,
    bytes: 20,
    files: await Promise.all([executable, ...companions].map(facts)),
    directories: [],
  });
  const entry = entryName(release, artifact, host, { kind: 'digest' });
  await host.link(joinHostPath(directory, 'v1', 'entries', entry), linkTarget(hostPathName(tree)));
  return joinHostPath(filesOf(tree), executable);
}

test('whatever a host says in place of an answer is not believed, and does no harm', () => {
  const word = fc.constantFrom(
    'root /a',
    'absent',
    'link ../trees/x',
    'tree x',
    'manifest',
    'none',
    'odd',
    '41ed 1 1:1 0 0 2020-01-01 00:00:00.1 +0000 trees',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(word, fc.string()), { maxLength: 12 }), (lines) => {
      const seen = parseSurvey(lines.join('\n'));
      if (seen !== undefined) expect(lines[0]).toMatch(/^root \//);
    }),
  );
});
