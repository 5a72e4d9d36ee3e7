import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { codexRelease, createBinaryCache } from '@seedbed/binary-cache';
import { npmRegistrySource } from '@seedbed/binary-cache/npm-registry';
import { createLocalHost } from '@seedbed/host/local';
import { beforeAll, expect, it } from 'vitest';

const program = join(import.meta.dirname, 'main.ts');

beforeAll(async () => {
  await using host = createLocalHost();
  await createBinaryCache({ sources: [npmRegistrySource()] }).ensure(host, codexRelease());
}, 600_000);

it('has the real Codex write a file, and prints what it changed', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [program]);
  const [, file = ''] = /^completed Done\.\nadd (\S+) Hello, world\n/.exec(stdout) ?? [];
  expect(file, stdout).toMatch(/\/hello\.txt$/);
  expect(await readFile(file, 'utf8')).toBe('Hello, world\n');
  await rm(dirname(file), { recursive: true });
});

it('has no more than twenty lines', async () => {
  const lines = (await readFile(program, 'utf8')).split('\n').filter((line) => line.trim() !== '');
  expect(lines.length).toBeLessThanOrEqual(20);
});
