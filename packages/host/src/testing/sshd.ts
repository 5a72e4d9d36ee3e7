import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { HostError } from '../host-error.ts';

/** A real OpenSSH server on a loopback port of this machine, which lets in the user that runs it. */
export interface TestSshd extends AsyncDisposable {
  readonly host: '127.0.0.1';
  readonly port: number;
  readonly user: string;
  /** Of the one user that is let in, in OpenSSH's format. */
  readonly privateKey: string;
  /** `SHA256:…` of the server's key. */
  readonly fingerprint: string;
  /** The server's public key: type and base64. */
  readonly publicKey: string;
  /** Breaks all connections as a crash of the server would. */
  dropConnections(): void;
}

export interface TestSshdOptions {
  /** More lines for the server's configuration, before its own: the first value counts. See sshd_config(5). */
  readonly config?: readonly string[];
}

const PLACES = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/sbin/sshd', '/usr/lib/openssh/sshd'];

/** Where this machine has OpenSSH's server, `undefined` when it has none. */
export function findSshd(): string | undefined {
  return PLACES.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * Starts an OpenSSH server for tests, with keys of its own in a temporary folder. Ends with its disposal, with all that is connected to it.
 * For root it creates /run/sshd, without which sshd does not start.
 *
 * @throws {HostError} `command-not-found` when there is no sshd or ssh-keygen here.
 */
export async function openSshd(options: TestSshdOptions = {}): Promise<TestSshd> {
  const program = findSshd();
  if (program === undefined) {
    throw new HostError('command-not-found', 'There is no sshd on this machine: install openssh-server.');
  }
  const folder = await mkdtemp(join(tmpdir(), 'seedbed-sshd-'));
  const config = await plantConfig(folder, options.config ?? []);
  const children = new Set<ChildProcess>();
  const sockets = new Set<Socket>();
  // One server process per connection, as inetd starts them: so the port is free for certain, and nothing stays behind.
  const server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    const child = spawn(program, ['-i', '-f', config], { stdio: [socket, socket, 'ignore'] });
    children.add(child);
    const end = (): void => {
      children.delete(child);
      sockets.delete(socket);
      socket.destroy();
    };
    child.once('error', end);
    child.once('exit', end);
    socket.on('error', end);
  });
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(address !== null && typeof address === 'object' ? address.port : 0);
    });
  });
  const publicKey = (await readFile(join(folder, 'host-key.pub'), 'utf8')).split(' ').slice(0, 2).join(' ');
  const dropConnections = (): void => {
    for (const child of children) child.kill('SIGKILL');
    for (const socket of sockets) socket.destroy();
  };
  return {
    host: '127.0.0.1',
    port,
    user: userInfo().username,
    privateKey: await readFile(join(folder, 'user-key'), 'utf8'),
    publicKey,
    fingerprint: fingerprintOf(publicKey),
    dropConnections,
    async [Symbol.asyncDispose]() {
      dropConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function plantConfig(folder: string, extra: readonly string[]): Promise<string> {
  for (const name of ['host-key', 'user-key']) {
    const file = join(folder, name);
    await promisify(execFile)('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', file]);
  }
  await writeFile(join(folder, 'authorized-keys'), await readFile(join(folder, 'user-key.pub')));
  await chmod(join(folder, 'authorized-keys'), 0o600);
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  const config = join(folder, 'sshd_config');
  const lines = [
    ...extra,
    `HostKey ${join(folder, 'host-key')}`,
    `AuthorizedKeysFile ${join(folder, 'authorized-keys')}`,
    'StrictModes no',
    'UsePAM no',
    'PermitRootLogin yes',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'AllowTcpForwarding yes',
    'AllowStreamLocalForwarding yes',
    'PermitUserRC no',
    'PrintMotd no',
    'PidFile none',
    // At this depth bash does not read the start files of the user, which are nothing of the test's and may take long.
    'SetEnv SHLVL=1',
  ];
  await writeFile(config, `${lines.join('\n')}\n`);
  return config;
}

function fingerprintOf(publicKey: string): string {
  const key = Buffer.from(publicKey.split(' ')[1] ?? '', 'base64');
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}
