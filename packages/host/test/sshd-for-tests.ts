import type { TestContext } from 'vitest';
import type { Host } from '../src/host.ts';
import { openSshHost, type SshHostOptions } from '../src/ssh/index.ts';
import { findSshd, openSshd, type TestSshd, type TestSshdOptions } from '../src/testing/index.ts';
import { LOGIN_MS, PLACE_MS } from './login-time.ts';

/** One server for the tests of a file, started when it is first needed. */
export interface SshdForTests {
  server(): Promise<TestSshd>;
  openHost(options?: Partial<SshHostOptions>): Promise<Host>;
  /** Where tests must be whole (CI), a missing server is their failure. */
  skipWhereMissing(context: TestContext): void;
  close(): Promise<void>;
}

export function sshdForTests(options: TestSshdOptions = {}): SshdForTests {
  let starting: Promise<TestSshd> | undefined;
  const server = (): Promise<TestSshd> => {
    starting ??= openSshd(options);
    return starting;
  };
  return {
    server,
    async openHost(changes = {}) {
      const { host, port, user, privateKey, fingerprint } = await server();
      return await openSshHost({
        host,
        port,
        user,
        auth: { privateKey },
        hostKey: { fingerprint },
        connectTimeoutMs: LOGIN_MS,
        waitMs: PLACE_MS,
        ...changes,
      });
    },
    skipWhereMissing(context) {
      context.skip(findSshd() === undefined && process.env['CI'] === undefined, 'there is no sshd');
    },
    async close() {
      await (await starting)?.[Symbol.asyncDispose]();
    },
  };
}
