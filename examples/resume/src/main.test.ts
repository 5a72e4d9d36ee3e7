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

it('goes on in another folder, in the same thread and with the same files', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, 'main.ts')]);
  expect(stdout).toMatch(/^The session has ended, done\. Snapshot \d+ is kept\.$/m);
  expect(stdout.replace(/\d+ is kept/, 'N is kept').split('\n')).toEqual([
    'codex: hello.txt is written.',
    'The session has ended, done. Snapshot N is kept.',
    'It goes on: the folder is restored, the thread resumed.',
    'codex: It is still there.',
    'turn 1 changed 1 file',
    'turn 2 printed Hello, world',
    '',
  ]);
}, 120_000);
