import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { createLocalHost } from '@seedbed/host/local';
import { createMemoryHost } from '@seedbed/host/testing';
import { expect, test } from 'vitest';
import { scratchFolder } from '../test/scratch-folder.ts';
import { toolRelease } from '../test/tool-release.ts';
import { createBinaryCache } from './binary-cache.ts';
import { cacheEnvironmentNames } from './cache-layout.ts';
import { defaultCacheLimits } from './cache-limits.ts';
import { codexReleases } from './codex-releases.ts';
import type { Integrity } from './integrity.ts';
import { npmRegistrySource } from './npm-registry/index.ts';
import { artifactFor } from './release.ts';

test('a small package of the real registry arrives with the pinned digest', async () => {
  await using scratch = await scratchFolder();
  await using host = createMemoryHost();
  const integrity: Integrity =
    'sha512-41Cifkg6e8TylSpdtTpeLVMqvSBEVzTttHvERD741+pnZ8ANv0004MRL43QKPDlK9cGvNp6NZWZUBlbGXYxxng==';
  const release = toolRelease('7.0.0', integrity);
  const artifact = { ...artifactFor(release, host.platform), npmSpec: 'is-number@7.0.0' };
  const payload = await npmRegistrySource({ directory: `${scratch.path}/downloads` }).obtain({
    host,
    release,
    artifact,
    limits: defaultCacheLimits,
    scratch: host.tmp,
    signal: AbortSignal.timeout(60_000),
    report: () => undefined,
  });
  const hash = createHash('sha512');
  if (payload.kind === 'archive') for await (const chunk of payload.open()) hash.update(chunk);
  expect(`sha512-${hash.digest('base64')}`).toBe(integrity);
});

// Into the user's own cache, where the next run, and every other program, finds it.
test.each(Object.values(codexReleases))(
  'the real Codex $version is installed whole, and found again with every byte in place',
  { timeout: 600_000 },
  async (release) => {
    await using host = createLocalHost({ inherit: cacheEnvironmentNames });
    const cache = createBinaryCache({ sources: [npmRegistrySource()], check: 'digests' });
    const installed = await cache.ensure(host, release);
    const { stdout } = await promisify(execFile)(installed.path, ['--version']);
    expect(stdout).toBe(`codex-cli ${release.version}\n`);
    expect(await readdir(installed.root)).toEqual(
      expect.arrayContaining(['bin', 'codex-path', 'codex-resources']),
    );
    const again = await createBinaryCache({ sources: [], check: 'digests' }).ensure(host, release);
    expect(again).toMatchObject({ origin: 'cache', path: installed.path });
  },
);
