import type { Host } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { afterAll } from 'vitest';
import { openSshPlace, type SshPlace } from './ssh-place.ts';

/** A kind of host that a suite is run on, by `describe.each`. */
export interface HostUnderTest {
  /** For titles. */
  readonly where: 'on this machine' | 'through SSH';
  /** One for all tests of a file. */
  host(): Promise<Host>;
}

/** This machine, as itself and through a real sshd. Called once in a test file: what is opened for it is closed after its tests. */
export function hostsUnderTest(): readonly HostUnderTest[] {
  let local: Host | undefined;
  let remote: Promise<SshPlace> | undefined;
  afterAll(async () => {
    await local?.[Symbol.asyncDispose]();
    await (await remote)?.[Symbol.asyncDispose]();
  });
  return [
    {
      where: 'on this machine',
      host: async () => {
        local ??= createLocalHost();
        return local;
      },
    },
    {
      where: 'through SSH',
      host: async () => {
        remote ??= openSshPlace();
        return (await remote).host;
      },
    },
  ];
}
