import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from '@seedbed/tasks/workspace';
import { expect, test } from 'vitest';

test('there is no file, export or dependency that nothing uses', { timeout: 120_000 }, () => {
  const knip = join(import.meta.dirname, '../node_modules/knip/bin/knip.js');
  const args = [
    knip,
    '--config',
    join(import.meta.dirname, '../knip.json'),
    '--no-progress',
    '--no-config-hints',
  ];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
  expect({ status, said: `${stdout}${stderr}` }).toEqual({ status: 0, said: '' });
});
