import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { codexRelease, createBinaryCache } from '@seedbed/binary-cache';
import { npmRegistrySource } from '@seedbed/binary-cache/npm-registry';
import { createLocalHost } from '@seedbed/host/local';
import { beforeAll, expect, it } from 'vitest';

beforeAll(async () => {
  await using host = createLocalHost();
  await createBinaryCache({ sources: [npmRegistrySource()] }).ensure(host, codexRelease());
}, 600_000);

it('gives two tasks one after the other the same login, and keeps what it becomes', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, 'main.ts')]);
  expect(stdout.split('\n')).toEqual([
    'Somebody opens the page, and types the code.',
    'first: I am logged in.',
    'second: I am logged in.',
    'Ada’s: alive, captured, rotated, rotated',
    '',
  ]);
}, 120_000);
