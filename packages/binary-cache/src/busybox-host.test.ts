import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { expect, test } from 'vitest';
import { busyboxFolder } from '../test/busybox-folder.ts';
import { scratchFolder } from '../test/scratch-folder.ts';
import { toolPackage } from '../test/tool-release.ts';
import { createBinaryCache } from './binary-cache.ts';
import { fileSource } from './file-source.ts';

test('a host with nothing but BusyBox installs, verifies, lists and evicts', async (context) => {
  await using scratch = await scratchFolder();
  const bin = await busyboxFolder(context, join(scratch.path, 'bin'));
  await using host = createLocalHost({ env: { PATH: bin, HOME: scratch.path } });
  const tool = await toolPackage({ ballast: 100_000 });
  const path = join(scratch.path, 'tool.tgz');
  await writeFile(path, tool.tarball);
  const directory = hostPath(join(scratch.path, 'cache'));
  const cache = createBinaryCache({ sources: [fileSource({ path })], directory, check: 'digests' });
  const installed = await cache.ensure(host, tool.release);
  expect(await cache.ensure(host, tool.release)).toMatchObject({ path: installed.path, origin: 'cache' });
  expect(await cache.list(host)).toMatchObject([
    { running: false, entries: [expect.stringContaining('tool-1.0.0')] },
  ]);
  expect((await cache.evict(host, { maxBytes: 0, graceMs: 0 })).removed).toHaveLength(1);
});
