import { execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { checkCommand } from '../../../check-command.ts';
import { hostPath } from '../../../host-path.ts';
import { createLocalHost } from '../../../local/index.ts';
import { MARKER_NAME } from '../../../process-marker.ts';
import { processesWithEnvironment } from '../../../testing/index.ts';
import { attachScript, type DurableProcess, endInputScript, startDurableScript } from './durable-script.ts';

const shells = ['/bin/dash', '/bin/bash', '/bin/busybox sh'].filter((shell) =>
  existsSync(programOf(shell)[0]),
);

/** A shell that is a program's applet is named behind it. */
function programOf(shell: string): readonly [file: string, args: readonly string[]] {
  const [file = '', ...args] = shell.split(' ');
  return [file, args];
}

const SAY = 'say() { printf \'%s\\n\' "$1" >&2; }';

/** Runs a script in a shell of this machine, as the host's would. */
function runIn(shell: string, script: string) {
  const [file, args] = programOf(shell);
  return spawn(file, [...args, '-c', `${SAY}\n${script}`], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'] },
  });
}

/** Starts a durable process. */
function start(shell: string, program: string, parent: string = tmpdir()) {
  const id = randomUUID();
  const host = createLocalHost();
  const command = checkCommand(host, {
    argv: ['sh', '-c', program],
    env: { TEST_MARK: id, [MARKER_NAME]: id },
  });
  const folder = hostPath(join(parent, `seedbed-durable-${id}`));
  const durable: DurableProcess = { folder, markerIds: [id], graceSeconds: 1 };
  const child = runIn(shell, startDurableScript(durable, command));
  const living = async (): Promise<number> =>
    (await processesWithEnvironment(host, `TEST_MARK=${id}`)).length;
  return { child, durable, folder, living };
}

/** The supervisor of a durable process: the parent of what stands for its life. */
function supervisorOf(folder: string): { readonly pid: number; readonly started: number } {
  const life = Number(readFileSync(join(folder, 'life'), 'utf8'));
  const pid = Number(statFields(life)[1]);
  return { pid, started: Number(statFields(pid)[19]) };
}

/** What stands in /proc/<pid>/stat behind the name. */
function statFields(pid: number): readonly string[] {
  return (readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1) ?? '').split(' ');
}

function attachedTo(folder: string): number {
  return Number(readFileSync(join(folder, 'attached'), 'utf8').split(' ')[0]);
}

interface OldFolder {
  readonly attached?: string;
  readonly life?: string;
  readonly keeper?: string;
  readonly touched?: Date;
}

/** The folder of a durable process that was touched an hour ago; of nobody who lives, unless told so. */
async function plantOld(parent: string, name: string, facts: OldFolder = {}): Promise<void> {
  const { attached = '999999999 1 999999999 1', life = '999999999', keeper } = facts;
  const folder = join(parent, name);
  await mkdir(folder);
  for (const pipe of ['feed', 'ready']) execFileSync('mkfifo', [join(folder, pipe)]);
  await writeFile(join(folder, 'attached'), `${attached}\n`);
  await writeFile(join(folder, 'life'), `${life}\n`);
  if (keeper !== undefined) await writeFile(join(folder, 'keeper'), `${keeper}\n`);
  const touched = facts.touched ?? new Date(Date.now() - 3_600_000);
  await utimes(folder, touched, touched);
}

describe.for(shells)('a durable process that %s started', (shell) => {
  it('is ended with all that is its when nobody attaches to it again', async () => {
    const { child, folder, living } = start(
      shell,
      'trap "" TERM; setsid sleep 1000 & sleep 1001; echo never',
    );
    await expect.poll(living).toBeGreaterThan(1);
    child.stdin.end();
    await expect.poll(living).toBe(0);
    await expect.poll(() => existsSync(folder)).toBe(false);
  });

  it('is ended also when its folder was removed meanwhile', async () => {
    const { child, folder, living } = start(shell, 'exec sleep 1001');
    await expect.poll(living).toBeGreaterThan(0);
    // It is there from the beginning, and says who is attached when that one has begun.
    await expect.poll(() => readFileSync(join(folder, 'attached'), 'utf8').trim()).not.toBe('');
    await rm(folder, { recursive: true });
    child.stdin.end();
    await expect.poll(living).toBe(0);
  });

  it('tells whoever was attached that another one is, not that it has ended, in whichever order they come', async () => {
    const { child: first, durable, folder, living } = start(shell, 'exec sleep 1001');
    await expect.poll(() => attachedTo(folder)).toBe(first.pid);
    const again = attachScript(durable, supervisorOf(folder), { out: 0, err: 0 });
    let present = first;
    for (let count = 0; count < 5; count += 1) {
      const ended = new Promise((resolve) => present.once('close', (_, signal) => resolve(signal)));
      const next = runIn(shell, again);
      expect(await ended).toBe('SIGALRM');
      await expect.poll(() => attachedTo(folder)).toBe(next.pid);
      present = next;
    }
    expect(await living()).toBeGreaterThan(0);
    present.stdin.end();
    await expect.poll(living).toBe(0);
  });

  it('has its folder removed when it has ended and nobody comes for what it printed', async () => {
    const { child, folder } = start(shell, 'echo done');
    expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(0);
    await expect.poll(() => existsSync(folder)).toBe(false);
  });

  it('has its folder for as long as somebody is slow to take what it printed', async () => {
    const { child, folder } = start(shell, 'head -c 3000000 /dev/zero');
    // Node lets flow away what an ended child has printed, unless somebody listens so.
    child.stdout.on('readable', () => undefined);
    expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(0);
    // Longer than it would be kept for somebody who is not there.
    await delay(2_500);
    expect(existsSync(join(folder, 'out'))).toBe(true);
    let bytes = 0;
    for await (const chunk of child.stdout) bytes += chunk.length;
    expect(bytes).toBe(3_000_000);
    await expect.poll(() => existsSync(folder)).toBe(false);
  });

  it('removes what a crash of the host has left beside it, and nothing else', async () => {
    const parent = await mkdtemp(join(tmpdir(), 'seedbed-durable-'));
    try {
      const own = readFileSync('/proc/self/stat', 'latin1').split(') ')[1]?.split(' ')[19];
      await plantOld(parent, 'dead');
      await plantOld(parent, 'with a keeper that is dead', { keeper: '999999999 1' });
      await plantOld(parent, 'attached', { attached: `${process.pid} ${own} 999999999 1` });
      await plantOld(parent, 'alive', { life: String(process.pid) });
      await plantOld(parent, 'kept', { keeper: `${process.pid} ${own}` });
      await plantOld(parent, 'recent', { touched: new Date() });
      await mkdir(join(parent, 'something else'));
      await mkdir(join(parent, '.elsewhere'));
      await plantOld(join(parent, '.elsewhere'), 'linked');
      await symlink('.elsewhere/linked', join(parent, 'link'));
      const { child, folder } = start(shell, 'true', parent);
      expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(0);
      await expect.poll(() => existsSync(folder)).toBe(false);
      const left = (await readdir(parent)).sort();
      expect(left).toEqual(['.elsewhere', 'alive', 'attached', 'kept', 'link', 'recent', 'something else']);
      expect(await readdir(join(parent, '.elsewhere'))).toEqual(['linked']);
    } finally {
      await rm(parent, { recursive: true });
    }
  });

  it('ignores no signal that its program did not ask to ignore', async () => {
    const { child, folder } = start(shell, 'grep ^SigIgn: /proc/self/status');
    let shown = '';
    child.stdout.on('data', (chunk) => {
      shown += String(chunk);
    });
    await expect.poll(() => shown).toBe('SigIgn:\t0000000000000000\n');
    child.stdin.end();
    spawn('rm', ['-rf', folder]);
  });

  it('reads up to the last byte that was written before its input was ended', async () => {
    const { child, folder } = start(shell, 'wc -c');
    let shown = '';
    child.stdout.on('data', (chunk) => {
      shown += String(chunk);
    });
    child.stdin.write('x'.repeat(300_000));
    const size = spawn('sh', [
      '-c',
      `until [ "$(wc -c <"$0/in")" = 300000 ]; do sleep 0.05; done; kill -KILL "$(cat "$0/hold")"`,
      folder,
    ]);
    size.on('error', () => undefined);
    const code = await new Promise((resolve) => child.once('exit', resolve));
    await expect.poll(() => shown.trim()).toBe('300000');
    expect(code).toBe(0);
    child.stdin.end();
    spawn('rm', ['-rf', folder]);
  });

  it('ends its input when all of it has arrived, however late, and until then says that it has not', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'seedbed-durable-'));
    const hold = spawn('sleep', ['1000']);
    const ended = new Promise((resolve) => hold.once('exit', (_, signal) => resolve(signal)));
    const askForEnd = (): Promise<unknown> => {
      const asking = runIn(shell, endInputScript(hostPath(folder), 5));
      return new Promise((resolve) => asking.once('exit', resolve));
    };
    try {
      await writeFile(join(folder, 'hold'), `${hold.pid}\n`);
      await writeFile(join(folder, 'in'), 'abc');
      expect(await askForEnd()).toBe(1);
      expect(existsSync(`/proc/${hold.pid}/fd/0`)).toBe(true);
      await writeFile(join(folder, 'in'), 'abcde');
      expect(await askForEnd()).toBe(0);
      expect(await ended).toBe('SIGKILL');
      await rm(join(folder, 'in'));
      expect(await askForEnd()).toBe(0);
    } finally {
      hold.kill('SIGKILL');
      await rm(folder, { recursive: true });
    }
  });
});
