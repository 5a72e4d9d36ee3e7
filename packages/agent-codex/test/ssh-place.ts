import type { Host } from '@seedbed/host';
import { openSshHost, type SshHostOptions } from '@seedbed/host/ssh';
import { openSshd, type TestSshdOptions } from '@seedbed/host/testing';

/** This machine, reached through a real sshd of its own. */
export interface SshPlace extends AsyncDisposable {
  readonly host: Host;
}

export async function openSshPlace(
  sshdOptions: TestSshdOptions = {},
  hostOptions: Partial<SshHostOptions> = {},
): Promise<SshPlace> {
  await using stack = new AsyncDisposableStack();
  const { host: address, fingerprint, port, privateKey, user } = stack.use(await openSshd(sshdOptions));
  const host = stack.use(
    await openSshHost({
      host: address,
      port,
      user,
      auth: { privateKey },
      hostKey: { fingerprint },
      ...hostOptions,
    }),
  );
  const ended = stack.move();
  return { host, [Symbol.asyncDispose]: () => ended.disposeAsync() };
}
