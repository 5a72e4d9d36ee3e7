import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { codexRelease, createBinaryCache } from '@seedbed/binary-cache';
import { npmRegistrySource } from '@seedbed/binary-cache/npm-registry';
import { createLocalHost } from '@seedbed/host/local';
import { findSshd } from '@seedbed/host/testing';
import { beforeAll, expect, it } from 'vitest';

beforeAll(async () => {
  await using host = createLocalHost();
  await createBinaryCache({ sources: [npmRegistrySource()] }).ensure(host, codexRelease());
}, 600_000);

it('runs a task through SSH under a login that is kept here, and has it back', async (context) => {
  context.skip(findSshd() === undefined && process.env['CI'] === undefined, 'there is no sshd');
  const program = join(import.meta.dirname, 'main.ts');
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [program]);
  expect(stderr).toBe('');
  expect(stdout.split('\n')).toEqual([
    'Open /codex/device and type the code.',
    'codex: I am logged in.',
    'The login is alive, and free.',
    '',
  ]);
}, 120_000);
