import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createMemoryHost } from '@seedbed/host/testing';
import { expect, test } from 'vitest';
import { startFakeRegistry } from '../../test/fake-registry.ts';
import { scratchFolder } from '../../test/scratch-folder.ts';
import { toolPackage } from '../../test/tool-release.ts';
import { defaultCacheLimits } from '../cache-limits.ts';
import { artifactFor } from '../release.ts';
import { readNpmConfig } from './npm-config.ts';
import { npmRegistrySource } from './npm-registry-source.ts';

test('without npm and without any setting the defaults of npm hold', async () => {
  await using home = await scratchFolder();
  const config = await readNpmConfig({ env: { HOME: home.path, PATH: '' }, cwd: home.path });
  expect(config.describeRegistry(undefined)).toMatch(/^npm's setting `registry` \(npm's default: https:/);
  expect(config.cacheDirectory).toBe(join(home.path, '.npm'));
});

test('the environment beats the project, the project the user, the user the default', async () => {
  await using home = await scratchFolder();
  const project = join(home.path, 'project');
  await mkdir(project);
  await writeFile(join(project, 'package.json'), '{}');
  const read = async (env: Record<string, string> = {}): Promise<string> => {
    const config = await readNpmConfig({ env: { HOME: home.path, PATH: '', ...env }, cwd: project });
    return config.describeRegistry(undefined);
  };
  await writeFile(join(home.path, '.npmrc'), 'registry=https://user.example/\n');
  expect(await read()).toBe("npm's setting `registry` (the user npmrc: https://user.example)");
  await writeFile(join(project, '.npmrc'), 'registry=https://project.example/\n');
  expect(await read()).toBe("npm's setting `registry` (the project npmrc: https://project.example)");
  expect(await read({ npm_config_registry: 'https://env.example/' })).toBe(
    "npm's setting `registry` (the environment: https://env.example)",
  );
  expect(await read({ NPM_CONFIG_REGISTRY: 'https://env.example/' })).toContain('https://env.example');
});

test('a scope with a registry of its own is described by its own setting', async () => {
  await using home = await scratchFolder();
  await writeFile(join(home.path, '.npmrc'), '@acme:registry=https://u:p@acme.example/npm/\n');
  const config = await readNpmConfig({ env: { HOME: home.path, PATH: '' }, cwd: home.path });
  expect(config.describeRegistry('@acme')).toBe(
    "npm's setting `@acme:registry` (the user npmrc: https://acme.example)",
  );
  expect(config.describeRegistry('@other')).toContain('`registry`');
});

test('reading the configuration changes neither the environment nor the one that was given', async () => {
  await using home = await scratchFolder();
  const env = { HOME: home.path, PATH: '', npm_config_registry: 'https://env.example/' };
  const [given, own] = [{ ...env }, { ...process.env }];
  await readNpmConfig({ env, cwd: home.path });
  expect(env).toEqual(given);
  expect(process.env).toEqual(own);
});

test('an npm on PATH contributes its global npmrc, whichever Node runs this', async () => {
  await using home = await scratchFolder();
  const prefix = join(home.path, 'prefix');
  await mkdir(join(prefix, 'bin'), { recursive: true });
  await mkdir(join(prefix, 'etc'));
  for (const program of ['npm', 'node']) await writeFile(join(prefix, 'bin', program), '', { mode: 0o755 });
  await writeFile(join(prefix, 'etc', 'npmrc'), 'registry=https://global.example/\n');
  const config = await readNpmConfig({ env: { HOME: home.path, PATH: join(prefix, 'bin') }, cwd: home.path });
  expect(config.describeRegistry(undefined)).toBe(
    "npm's setting `registry` (the global npmrc: https://global.example)",
  );
});

test('a private registry with its own certificate authority and token works from an npmrc alone', async () => {
  await using home = await scratchFolder();
  const [key, certificate] = [join(home.path, 'key.pem'), join(home.path, 'ca.pem')];
  await promisify(execFile)('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...[
      '-subj',
      '/CN=127.0.0.1',
      '-addext',
      'subjectAltName=IP:127.0.0.1',
      '-keyout',
      key,
      '-out',
      certificate,
    ],
  ]);
  const tool = await toolPackage();
  await using registry = await startFakeRegistry(tool, {
    key: await readFile(key),
    cert: await readFile(certificate),
  });
  const { host } = new URL(registry.url);
  await using machine = createMemoryHost();
  const obtain = async (): Promise<unknown> =>
    npmRegistrySource({ env: { HOME: home.path, PATH: '' }, cwd: home.path, retryDelayMs: 1 }).obtain({
      host: machine,
      release: tool.release,
      artifact: artifactFor(tool.release, { os: 'linux', arch: 'x64' }),
      limits: defaultCacheLimits,
      signal: new AbortController().signal,
      report: () => undefined,
      scratch: machine.tmp,
    });
  await writeFile(join(home.path, '.npmrc'), `registry=${registry.url}/\n`);
  await expect(obtain()).rejects.toMatchObject({
    code: 'download-failed',
    message: expect.stringContaining('cafile'),
  });
  await writeFile(
    join(home.path, '.npmrc'),
    `registry=${registry.url}/\ncafile=${certificate}\n//${host}/:_authToken=t0ken\n`,
  );
  await expect(obtain()).resolves.toMatchObject({ kind: 'archive' });
  expect(registry.requests.map(({ authorization }) => authorization)).toEqual([
    'Bearer t0ken',
    'Bearer t0ken',
  ]);
});
