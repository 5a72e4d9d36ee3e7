import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { codexRelease, createBinaryCache } from '@seedbed/binary-cache';
import { npmRegistrySource } from '@seedbed/binary-cache/npm-registry';
import { createLocalHost } from '@seedbed/host/local';
import { beforeAll, expect, it, onTestFinished } from 'vitest';

const program = join(import.meta.dirname, 'main.ts');

beforeAll(async () => {
  await using host = createLocalHost();
  await createBinaryCache({ sources: [npmRegistrySource()] }).ensure(host, codexRelease());
}, 600_000);

it('has the real Codex write a file, and prints what it changed', async () => {
  const cwd = await mkdtemp('/var/tmp/seedbed-twenty-lines-');
  onTestFinished(() => rm(cwd, { recursive: true }));
  const { stdout } = await promisify(execFile)(process.execPath, [program], { cwd });
  const [, file = ''] = /^completed Done\.\nadd (\S+) Hello, world\n/.exec(stdout) ?? [];
  expect(file, stdout).toBe(join(cwd, 'hello/hello.txt'));
  expect(await readFile(file, 'utf8')).toBe('Hello, world\n');
}, 120_000);

it('has no more than twenty lines', async () => {
  const lines = (await readFile(program, 'utf8')).split('\n').filter((line) => line.trim() !== '');
  expect(lines.length).toBeLessThanOrEqual(20);
});
