import type { Host } from '../src/host.ts';
import { openSshHost } from '../src/ssh/index.ts';
import { openSshd, type TestSshd } from '../src/testing/index.ts';
import { createOpenSshClient, missingPrograms, type OpenSshClient } from './open-ssh-client.ts';

/** What a host prefers; OpenSSH's client prefers another. */
const OUR_CIPHER = 'aes128-gcm@openssh.com';

/** One server, our host and OpenSSH's client, both of which are connected to it. */
export interface SshBenchGround extends AsyncDisposable {
  readonly server: TestSshd;
  readonly host: Host;
  readonly client: OpenSshClient;
  /** The same with the cipher that our host uses. */
  readonly gcmClient: OpenSshClient;
}

/** @throws {Error} when the programs without which there is nothing to compare are missing, by name. */
export async function openSshBenchGround(): Promise<SshBenchGround> {
  const missing = await missingPrograms(['ssh', 'scp', 'tar']);
  if (missing.length > 0) {
    throw new Error(`Not on this machine: ${missing.join(', ')} (Debian: openssh-client, tar).`);
  }
  await using stack = new AsyncDisposableStack();
  // scp speaks SFTP.
  const server = stack.use(await openSshd({ config: ['Subsystem sftp internal-sftp'] }));
  const host = stack.use(await connect(server));
  const client = stack.use(await createOpenSshClient(server));
  const gcmClient = stack.use(await createOpenSshClient(server, { cipher: OUR_CIPHER }));
  await Promise.all([client.openMaster(), gcmClient.openMaster()]);
  const resources = stack.move();
  return { server, host, client, gcmClient, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

export async function connect({ host, port, user, privateKey, fingerprint }: TestSshd): Promise<Host> {
  return await openSshHost({ host, port, user, auth: { privateKey }, hostKey: { fingerprint } });
}
