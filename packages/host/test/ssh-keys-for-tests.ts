import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A temporary folder that goes with its disposal. */
export interface TestFolder extends AsyncDisposable {
  readonly path: string;
}

export async function testFolder(): Promise<TestFolder> {
  const path = await mkdtemp(join(tmpdir(), 'seedbed-keys-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

export interface TestKey {
  readonly file: string;
  readonly text: string;
  /** The line for a file of authorized keys. */
  readonly publicLine: string;
}

/** A key of `ssh-keygen`'s, with more arguments for it. */
export async function makeKey(file: string, ...argv: readonly string[]): Promise<TestKey> {
  const passphrase = argv.includes('-N') ? [] : ['-N', ''];
  const type = argv.includes('-t') ? [] : ['-t', 'ed25519'];
  await promisify(execFile)('ssh-keygen', ['-q', ...type, ...passphrase, '-C', 'test', '-f', file, ...argv]);
  const [text, publicLine] = await Promise.all([readFile(file, 'utf8'), readFile(`${file}.pub`, 'utf8')]);
  return { file, text, publicLine };
}

/** A real `ssh-agent`. */
export interface TestAgent extends AsyncDisposable {
  readonly socket: string;
  /** With more arguments for `ssh-add`. A confirmation (`-c`) is never given. */
  add(keyFile: string, ...argv: readonly string[]): Promise<void>;
}

export async function startAgent(folder: string): Promise<TestAgent> {
  const socket = join(folder, 'agent');
  const child = spawn('ssh-agent', ['-D', '-a', socket], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, SSH_ASKPASS: '/bin/false' },
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve);
    child.once('error', reject);
    child.once('exit', () => reject(new Error('ssh-agent did not start')));
  });
  return {
    socket,
    async add(keyFile, ...argv) {
      await promisify(execFile)('ssh-add', ['-q', ...argv, keyFile], {
        env: { ...process.env, SSH_AUTH_SOCK: socket },
      });
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
