import type { Host } from '@seedbed/host';
import { openSshHost } from '@seedbed/host/ssh';
import { openSshd, type TestSshd, type TestSshdOptions } from '@seedbed/host/testing';

/** This machine, reached through a real sshd of its own. */
export interface SshPlace extends AsyncDisposable {
  readonly host: Host;
}

export async function openSshPlace(options: TestSshdOptions = {}): Promise<SshPlace> {
  await using stack = new AsyncDisposableStack();
  const sshd = stack.use(await openSshd(options));
  const host = stack.use(await connectTo(sshd));
  const ended = stack.move();
  return { host, [Symbol.asyncDispose]: () => ended.disposeAsync() };
}

/** `place` is what leads to the server, when that is not the server itself. */
export async function connectTo(
  { fingerprint, host, port, privateKey, user }: TestSshd,
  place: { readonly host: string; readonly port: number } = { host, port },
): Promise<Host> {
  return await openSshHost({
    host: place.host,
    port: place.port,
    user,
    auth: { privateKey },
    hostKey: { fingerprint },
  });
}
