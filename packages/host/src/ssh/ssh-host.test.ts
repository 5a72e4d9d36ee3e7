import { afterAll, describe, it } from 'vitest';
import { sshdForTests } from '../../test/sshd-for-tests.ts';
import { hostContract } from '../testing/index.ts';

const sshd = sshdForTests();
afterAll(() => sshd.close());

const capabilities = {
  shell: true,
  pty: true,
  sharesLoopback: true,
  rawNames: true,
  procfs: process.platform === 'linux',
};

describe.concurrent('an SSH host', () => {
  for (const { name, run } of hostContract({ create: () => sshd.openHost(), capabilities })) {
    it(name, { timeout: 90_000 }, async (context) => {
      sshd.skipWhereMissing(context);
      await run();
    });
  }
});
