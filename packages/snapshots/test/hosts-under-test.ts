import type { Host } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { openSshHost } from '@seedbed/host/ssh';
import { openSshd } from '@seedbed/host/testing';
import { afterAll } from 'vitest';

export interface HostUnderTest {
  /** For titles. */
  readonly where: string;
  /** One for all tests of a file. */
  host(): Promise<Host>;
}

/** This machine, as itself and through a real sshd. Called once in a test file: what is opened for it is closed after its tests. */
export function hostsUnderTest(): readonly HostUnderTest[] {
  const stack = new AsyncDisposableStack();
  let local: Host | undefined;
  let remote: Promise<Host> | undefined;
  afterAll(() => stack.disposeAsync());
  const connect = async (): Promise<Host> => {
    const { host, port, user, privateKey, fingerprint } = stack.use(await openSshd());
    return stack.use(await openSshHost({ host, port, user, auth: { privateKey }, hostKey: { fingerprint } }));
  };
  return [
    {
      where: 'on this machine',
      async host() {
        local ??= stack.use(createLocalHost());
        return local;
      },
    },
    {
      where: 'through SSH',
      host() {
        remote ??= connect();
        return remote;
      },
    },
  ];
}
