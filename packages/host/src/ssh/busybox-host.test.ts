import { afterAll, describe, it } from 'vitest';
import { type BusyboxRoot, createBusyboxRoot, whyNoBusyboxRoot } from '../../test/busybox-root.ts';
import { type SshdForTests, sshdForTests } from '../../test/sshd-for-tests.ts';
import { hostContract } from '../testing/index.ts';

const missing = whyNoBusyboxRoot();
const root: BusyboxRoot | undefined = missing === undefined ? await createBusyboxRoot() : undefined;
const sshd: SshdForTests = sshdForTests({ config: root?.sshdConfig ?? [] });
afterAll(async () => {
  await sshd.close();
  await root?.[Symbol.asyncDispose]();
});

const capabilities = {
  shell: true,
  pty: true,
  sharesLoopback: true,
  rawNames: true,
  procfs: true,
  exactTimes: false,
};

describe.concurrent('an SSH host that has nothing but BusyBox', () => {
  for (const { name, run } of hostContract({ create: () => sshd.openHost(), capabilities })) {
    it(name, { timeout: 90_000 }, async (context) => {
      if (missing !== undefined) context.skip(missing);
      sshd.skipWhereMissing(context);
      await run();
    });
  }
});
