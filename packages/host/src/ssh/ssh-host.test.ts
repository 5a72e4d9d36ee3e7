import { afterAll, describe, it } from 'vitest';
import { sshdForTests } from '../../test/sshd-for-tests.ts';
import { hostContract } from '../testing/index.ts';

const sshd = sshdForTests();
afterAll(() => sshd.close());

const capabilities = {
  shell: true,
  // A server that is not root's cannot hand a terminal over.
  pty: process.getuid?.() === 0,
  sharesLoopback: true,
  rawNames: true,
  procfs: process.platform === 'linux',
  exactTimes: true,
};

describe.concurrent('an SSH host', () => {
  for (const { name, run } of hostContract({ create: () => sshd.openHost(), capabilities })) {
    it(name, { timeout: 90_000 }, async (context) => {
      sshd.skipWhereMissing(context);
      await run();
    });
  }
});
