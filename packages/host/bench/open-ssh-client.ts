import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { TestSshd } from '../src/testing/index.ts';

/** OpenSSH's own client, and what people use over it, to the same server and with the same key. */
export interface OpenSshClient extends AsyncDisposable {
  /** `OpenSSH_9.2p1`. */
  readonly version: string;
  /** `user@host`. */
  readonly destination: string;
  /** The options of `ssh`; `scp` calls the port `-P`. Over the connection of `openMaster` where that is asked for. */
  options(over: 'own connection' | 'master'): readonly string[];
  /** `ssh` and all that it needs but the command, as one word of a shell. */
  shellLine(over: 'own connection' | 'master'): string;
  /** Opens a connection that others share (ControlMaster). It ends with the client. */
  openMaster(): Promise<void>;
}

/** Which of these programs are not on this machine. */
export async function missingPrograms(names: readonly string[]): Promise<readonly string[]> {
  const missing = await Promise.all(
    names.map(async (name) => {
      const isThere = promisify(execFile)('sh', ['-c', `command -v ${name}`]).then(
        () => true,
        () => false,
      );
      return (await isThere) ? [] : [name];
    }),
  );
  return missing.flat();
}

export interface OpenSshClientOptions {
  /** Instead of the one that OpenSSH prefers. */
  readonly cipher?: string;
}

export async function createOpenSshClient(
  server: TestSshd,
  { cipher }: OpenSshClientOptions = {},
): Promise<OpenSshClient> {
  const folder = await mkdtemp(join(tmpdir(), 'seedbed-client-'));
  const [key, knownHosts, socket] = ['key', 'known_hosts', 'master'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await writeFile(key, server.privateKey);
  await chmod(key, 0o600);
  await writeFile(knownHosts, `[${server.host}]:${server.port} ${server.publicKey}\n`);
  const set = (name: string, value: string): readonly string[] => ['-o', `${name}=${value}`];
  const own = [
    ...['-F', 'none', '-i', key],
    ...set('Port', String(server.port)),
    ...set('UserKnownHostsFile', knownHosts),
    ...set('IdentitiesOnly', 'yes'),
    ...set('BatchMode', 'yes'),
    ...(cipher === undefined ? [] : set('Ciphers', cipher)),
  ];
  const shared = [...own, ...set('ControlPath', socket)];
  const destination = `${server.user}@${server.host}`;
  const { stderr } = await promisify(execFile)('ssh', ['-V']);
  const options: OpenSshClient['options'] = (over) => (over === 'master' ? shared : own);
  let master: ChildProcess | undefined;
  return {
    version: stderr.split(' ')[0] ?? 'OpenSSH',
    destination,
    options,
    shellLine: (over) => ['ssh', ...options(over)].join(' '),
    async openMaster() {
      master = spawn('ssh', [...shared, '-M', '-N', destination], { stdio: 'ignore' });
      const isOpen = (): Promise<boolean> =>
        access(socket).then(
          () => true,
          () => false,
        );
      while (!(await isOpen())) {
        if (master.exitCode !== null) throw new Error('ssh did not open a master connection.');
        await delay(10);
      }
    },
    async [Symbol.asyncDispose]() {
      if (master !== undefined && master.exitCode === null) {
        master.kill();
        await once(master, 'exit');
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Runs a command to its end. @throws {Error} when it fails, with what it printed. */
export async function runTool(argv: readonly string[], signal: AbortSignal): Promise<void> {
  const [program = '', ...args] = argv;
  await promisify(execFile)(program, args, { signal });
}
