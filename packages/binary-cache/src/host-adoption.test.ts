import { chmodSync, symlinkSync } from 'node:fs';
import { copyFile, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Host, hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { expect, test } from 'vitest';
import { scratchFolder } from '../test/scratch-folder.ts';
import { integrityOfBytes, toolRelease } from '../test/tool-release.ts';
import { createBinaryCache } from './binary-cache.ts';
import type { CachedBinary } from './ensure-binary.ts';
import { hostAdoption } from './host-adoption.ts';
import type { Release } from './release.ts';

// A real program for this machine that prints what it is told: the system's echo.
const release: Release = {
  ...toolRelease('1.0.0', integrityOfBytes(Buffer.from('never downloaded'))),
  expect: { args: ['tool 1.0.0'], stdout: 'tool 1.0.0\n' },
};

interface Stage extends AsyncDisposable {
  readonly home: string;
  readonly host: Host;
  /** Where `tool` is looked for first. */
  readonly bin: string;
  ensure(): Promise<CachedBinary>;
}

async function stage(): Promise<Stage> {
  const resources = new AsyncDisposableStack();
  const home = resources.use(await scratchFolder()).path;
  const bin = join(home, 'bin');
  await mkdir(bin);
  const env = { HOME: home, PATH: `relative:${bin}:${join(home, 'bin2')}:/usr/bin:/bin` };
  const host = resources.use(createLocalHost({ env }));
  const cache = createBinaryCache({ sources: [hostAdoption()], directory: hostPath(join(home, 'cache')) });
  return {
    home,
    bin,
    host,
    ensure: () => cache.ensure(host, release),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

async function layTree(root: string, program = '/bin/echo'): Promise<string> {
  for (const [path, original] of [
    ['bin/tool', program],
    ['lib/companion', '/bin/true'],
  ] as const) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await copyFile(original, join(root, path));
    chmodSync(join(root, path), 0o755);
  }
  await writeFile(join(root, 'lib/data'), 'data');
  return join(root, 'bin/tool');
}

test('a program with its whole tree is copied, so that its update does not reach running tasks', async () => {
  await using it = await stage();
  const original = await layTree(join(it.home, 'opt'));
  symlinkSync(original, join(it.bin, 'tool'));
  const adopted = await it.ensure();
  expect(adopted).toMatchObject({ origin: 'adopted', version: '1.0.0' });
  expect(adopted.path).toContain(`${it.home}/cache/`);
  expect((await readdir(adopted.root, { recursive: true })).sort()).toEqual([
    'bin',
    'bin/tool',
    'lib',
    'lib/companion',
    'lib/data',
  ]);
  await writeFile(original, 'updated');
  expect(await it.ensure()).toEqual({ ...adopted, origin: 'cache' });
});

test('a tree that its installer left writable by a group is adopted, and the copy is not writable by it', async () => {
  await using it = await stage();
  symlinkSync(await layTree(join(it.home, 'opt')), join(it.bin, 'tool'));
  chmodSync(join(it.home, 'opt/lib/data'), 0o664);
  const { root } = await it.ensure();
  expect((await stat(join(root, 'lib/data'))).mode & 0o777).toBe(0o644);
});

test('behind a launcher script the tree is found where its installer puts it', async () => {
  await using it = await stage();
  const launcher = join(it.home, 'lib/node_modules/tool/bin/tool.js');
  await layTree(join(it.home, 'lib/node_modules/tool/node_modules/tool-any/vendor/any'));
  await mkdir(dirname(launcher), { recursive: true });
  await writeFile(launcher, '#!/usr/bin/env node\n', { mode: 0o755 });
  symlinkSync(launcher, join(it.bin, 'tool'));
  expect(await it.ensure()).toMatchObject({ origin: 'adopted' });
});

test('what cannot be adopted does not keep a later one on the PATH from it', async () => {
  await using it = await stage();
  await writeFile(join(it.bin, 'tool'), '#!/bin/sh\necho tool 1.0.0\n', { mode: 0o755 });
  await mkdir(join(it.home, 'bin2'));
  symlinkSync(await layTree(join(it.home, 'opt')), join(it.home, 'bin2', 'tool'));
  expect(await it.ensure()).toMatchObject({ origin: 'adopted' });
});

const refusals: readonly [string, RegExp, (it: Stage) => Promise<void>][] = [
  ['nothing of that name', /no `tool` on the PATH/, async () => undefined],
  [
    'a launcher script alone',
    /launcher script/,
    ({ bin }) => writeFile(join(bin, 'tool'), '#!/usr/bin/env node\n', { mode: 0o755 }),
  ],
  [
    'a script that prints the right version',
    /launcher script/,
    ({ bin }) => writeFile(join(bin, 'tool'), '#!/bin/sh\necho tool 1.0.0\n', { mode: 0o755 }),
  ],
  [
    'a lone binary',
    /lib\/companion is missing/,
    async ({ bin }) => {
      await copyFile('/bin/echo', join(bin, 'tool'));
      chmodSync(join(bin, 'tool'), 0o755);
    },
  ],
  [
    'a binary that is not in such a tree',
    /lone binary/,
    async ({ home, bin }) => {
      await copyFile('/bin/echo', join(home, 'other-name'));
      chmodSync(join(home, 'other-name'), 0o755);
      symlinkSync(join(home, 'other-name'), join(bin, 'tool'));
    },
  ],
  [
    'another product',
    /should print/,
    async ({ home, bin }) => symlinkSync(await layTree(join(home, 'opt'), '/bin/true'), join(bin, 'tool')),
  ],
  [
    'a tree that everybody can write',
    /written by everybody/,
    async ({ home, bin }) => {
      symlinkSync(await layTree(join(home, 'opt')), join(bin, 'tool'));
      chmodSync(join(home, 'opt/lib/data'), 0o666);
    },
  ],
  [
    'a tree with a link in it',
    /neither a plain file nor a folder/,
    async ({ home, bin }) => {
      symlinkSync(await layTree(join(home, 'opt')), join(bin, 'tool'));
      symlinkSync('/etc/passwd', join(home, 'opt/lib/link'));
    },
  ],
  ['a file without exec bit', /no `tool` on the PATH/, ({ bin }) => writeFile(join(bin, 'tool'), '')],
  [
    'a folder of that name',
    /no `tool` on the PATH/,
    async ({ bin }) => void (await mkdir(join(bin, 'tool'))),
  ],
  [
    'a dangling link',
    /no `tool` on the PATH/,
    async ({ bin }) => symlinkSync('/nonexistent/tool', join(bin, 'tool')),
  ],
];

test.each(refusals)('%s is refused with the reason', async (_what, reason, lay) => {
  await using it = await stage();
  await lay(it);
  await expect(it.ensure()).rejects.toMatchObject({
    code: 'source-refused',
    message: expect.stringMatching(reason),
  });
  expect(await readdir(join(it.home, 'cache', 'v1', 'trees'))).toEqual([]);
  expect(await readdir(join(it.home, 'cache', 'v1', 'incoming'))).toEqual([]);
});
