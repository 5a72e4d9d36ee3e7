import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { findSshd, openSshd, type TestSshd } from '../src/testing/index.ts';

/** An sshd in a network namespace of its own, behind a cable that can be pulled. Needs root and ip(8). */
export interface DistantSshd extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly server: TestSshd;
  /** What is sent from either side is lost from now on, and nobody is told. */
  pull(): Promise<void>;
  plugIn(): Promise<void>;
  /** The servers' processes are killed, and no new one starts. */
  kill(): Promise<void>;
}

const PORT = 2222;
/** A namespace goes some time after its last process: the next one has another name. */
let count = 0;

export async function openDistantSshd(): Promise<DistantSshd> {
  // Unlikely to be in use by anybody else: a number of our own in a network for tests of devices.
  count += 1;
  const id = `${process.pid}${count}`;
  const net = `198.18.${(process.pid + count) % 250}`;
  const [near, far, name] = [`sbn${id}`, `sbf${id}`, `seedbed-${id}`];
  const ip = async (...args: readonly string[]): Promise<void> => {
    await promisify(execFile)('ip', [...args]);
  };
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await openSshd());
  await ip('netns', 'add', name);
  stack.defer(() => ip('netns', 'del', name));
  await ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', name);
  stack.defer(() => ip('link', 'del', near));
  await ip('addr', 'add', `${net}.1/30`, 'dev', near);
  await ip('link', 'set', near, 'up');
  await ip('-n', name, 'addr', 'add', `${net}.2/30`, 'dev', far);
  await ip('-n', name, 'link', 'set', far, 'up');
  const config = join(dirname(server.privateKeyFile), 'sshd_config');
  const listen = ['-o', `ListenAddress=${net}.2`, '-o', `Port=${PORT}`];
  const inside = ['netns', 'exec', name, findSshd() ?? 'sshd', '-D', '-f', config, ...listen];
  spawn('ip', inside, { stdio: 'ignore' });
  const kill = (): Promise<void> => killServers(name);
  stack.defer(kill);
  await answering(`${net}.2`, PORT);
  const resources = stack.move();
  return {
    host: `${net}.2`,
    port: PORT,
    server,
    pull: () => ip('-n', name, 'link', 'set', far, 'down'),
    plugIn: () => ip('-n', name, 'link', 'set', far, 'up'),
    kill,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** The server, and those that it forked for each connection: not what they started. */
async function killServers(namespace: string): Promise<void> {
  const { stdout } = await promisify(execFile)('ip', ['netns', 'pids', namespace]);
  for (const pid of stdout.split('\n').filter(Boolean)) {
    const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
    if (name.startsWith('sshd')) killIfThere(Number(pid));
  }
}

/** The end of one server may have ended another. */
function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (failure) {
    if (!(failure instanceof Error && 'code' in failure && failure.code === 'ESRCH')) throw failure;
  }
}

async function answering(host: string, port: number): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    const socket = createConnection({ host, port });
    const answer = await Promise.race([once(socket, 'data'), once(socket, 'close')]).catch(() => []);
    socket.destroy();
    if (answer[0] instanceof Buffer) return;
    await delay(50);
  }
  throw new Error('The server in the network namespace does not answer.');
}
