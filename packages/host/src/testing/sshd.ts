import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { HostError } from '../host-error.ts';
import { plantSshdFiles, readHostPublicKey, replaceHostKey } from './sshd-config.ts';
import { type Launch, launchWithPassword, plantPassword } from './sshd-passwords.ts';

/** A real OpenSSH server on a loopback port of this machine, which lets in the user that runs it. */
export interface TestSshd extends AsyncDisposable {
  readonly host: '127.0.0.1';
  readonly port: number;
  readonly user: string;
  /** Of the one user that is let in, in OpenSSH's format. */
  readonly privateKey: string;
  /** The file with that key, readable to its owner only; its public half stands beside it as `.pub`. */
  readonly privateKeyFile: string;
  /** The file of keys that are let in, a line each. It is read anew for every connection: write to it to add a key or to revoke one. */
  readonly authorizedKeysFile: string;
  /** `SHA256:…` of the server's key, the present one. */
  readonly fingerprint: string;
  /** The server's public key, the present one: type and base64. */
  readonly publicKey: string;
  /** How many connections are open now. */
  readonly connections: number;
  /** Breaks all connections as a crash of the server would. */
  dropConnections(): void;
  /** New connections are refused from now on, as when no server runs. Those that are open stay. */
  refuseConnections(): void;
  /** Lets new connections in again, on the same port. */
  acceptConnections(): Promise<void>;
  /** Shows another key to every connection that begins from now on. */
  changeHostKey(): Promise<void>;
  /** Checks another password from now on, where the server was opened with one. */
  setPassword(password: string): Promise<void>;
}

export interface TestSshdOptions {
  /** More lines for the server's configuration, before its own: the first value counts. See sshd_config(5). */
  readonly config?: readonly string[];
  /**
   * Lets the user in with this password as well, by the methods `password` and `keyboard-interactive` (one prompt); `AuthenticationMethods` in `config` can
   * ask for less or more. Needs root, and leaves the machine's own accounts as they are.
   */
  readonly password?: string;
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
 * @throws {HostError} `command-not-found` when there is no sshd or ssh-keygen here, `unsupported` when there can be none with a password.
 */
export async function openSshd(options: TestSshdOptions = {}): Promise<TestSshd> {
  const program = findSshd();
  if (program === undefined) {
    throw new HostError('command-not-found', 'There is no sshd on this machine: install openssh-server.');
  }
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'seedbed-sshd-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const { password } = options;
  const files = await plantSshdFiles(folder, {
    extra: options.config ?? [],
    password: password !== undefined,
  });
  const launch: Launch =
    password === undefined ? [program] : await launchWithPassword(folder, program, password);
  const listener = createListener([...launch, '-i', '-f', files.config]);
  stack.defer(() => listener.close());
  const port = await listener.listen(0);
  let publicKey = await readHostPublicKey(files);
  const privateKey = await readFile(files.userKey, 'utf8');
  const resources = stack.move();
  return {
    host: '127.0.0.1',
    port,
    user: userInfo().username,
    privateKey,
    privateKeyFile: files.userKey,
    authorizedKeysFile: files.authorizedKeys,
    get publicKey() {
      return publicKey;
    },
    get fingerprint() {
      return fingerprintOf(publicKey);
    },
    get connections() {
      return listener.connections;
    },
    dropConnections: listener.drop,
    refuseConnections: listener.refuse,
    async acceptConnections() {
      await listener.listen(port);
    },
    async changeHostKey() {
      await replaceHostKey(files);
      publicKey = await readHostPublicKey(files);
    },
    setPassword: (next) => plantPassword(folder, next),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

interface Listener {
  readonly connections: number;
  listen(port: number): Promise<number>;
  refuse(): void;
  drop(): void;
  close(): Promise<void>;
}

/** One server process per connection, as inetd starts them: so the port is free for certain, and nothing stays behind. */
function createListener([program, ...argv]: Launch): Listener {
  const children = new Set<ChildProcess>();
  const sockets = new Set<Socket>();
  const server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    const child = spawn(program, argv, { stdio: [socket, socket, 'ignore'] });
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
  const drop = (): void => {
    for (const child of children) child.kill('SIGKILL');
    // Shut down, not only closed: for a user who is not root, sshd has a process more that holds the socket.
    for (const socket of sockets) socket.destroySoon();
  };
  return {
    get connections() {
      return children.size;
    },
    listen: (port) => (server.listening ? Promise.resolve(port) : listen(server, port)),
    refuse: () => void server.close(),
    drop,
    async close() {
      drop();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function listen(server: Server, port: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.once('error', reject);
  server.listen(port, '127.0.0.1', () => {
    const address = server.address();
    resolve(address !== null && typeof address === 'object' ? address.port : port);
  });
  try {
    return await promise;
  } finally {
    server.off('error', reject);
  }
}

function fingerprintOf(publicKey: string): string {
  const key = Buffer.from(publicKey.split(' ')[1] ?? '', 'base64');
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}
