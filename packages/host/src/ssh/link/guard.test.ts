import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { accessSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createLocalHost } from '../../local/index.ts';
import { processesWithEnvironment } from '../../testing/index.ts';
import { guardScript, type Heartbeat } from './guard.ts';
import { WAITING_SHELL } from './host-shell.ts';

const shells: readonly (readonly [string, ...string[]])[] = [
  ['/bin/dash'],
  ['/bin/bash'],
  ['/bin/bash', '--posix'],
  ['/bin/busybox', 'sh'],
  ['/bin/sh'],
];
const present = shells
  .filter(([file]) => {
    try {
      accessSync(file);
      return true;
    } catch {
      return false;
    }
  })
  .map((argv) => ({ name: argv.join(' '), argv }));

const script = /-c '(.*)'$/.exec(WAITING_SHELL)?.[1] ?? '';

/** A guard in this shell. */
async function startGuard(
  [file, ...args]: readonly [string, ...string[]],
  heartbeat: Heartbeat,
  started: DisposableStack,
): Promise<{
  readonly tell: (line: string) => void;
  readonly hangUp: () => void;
  readonly ended: Promise<unknown>;
}> {
  const child = spawn(file, [...args, '-c', script], { stdio: ['pipe', 'pipe', 'ignore'] });
  started.defer(() => child.kill('SIGKILL'));
  const guard = guardScript('TOKEN', heartbeat);
  child.stdin.write(`${Buffer.byteLength(guard)}\n${guard}`);
  let answer = '';
  for await (const chunk of child.stdout) {
    answer += String(chunk);
    if (answer.endsWith('\nTOKEN ok\n')) break;
  }
  return {
    tell: (line) => child.stdin.write(`${line}\n`),
    hangUp: () => child.stdin.end(),
    ended: once(child, 'exit'),
  };
}

/** Ignores SIGTERM, and has a child. */
function startProcess(marker: string, mark: string, started: DisposableStack): void {
  const env = { PATH: process.env['PATH'], SEEDBED_PROCESS: marker, TEST_MARK: mark };
  const options = { env, stdio: 'ignore', detached: true } as const;
  const { pid } = spawn('sh', ['-c', 'trap "" TERM; sleep 100 & sleep 101'], options);
  started.defer(() => {
    try {
      if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    } catch {
      // The guard was there before.
    }
  });
}

async function living(mark: string): Promise<number> {
  return (await processesWithEnvironment(createLocalHost(), `TEST_MARK=${mark}`)).length;
}

describe.concurrent.for(present)('a guard in $name', ({ argv }) => {
  it.each<readonly [string, Heartbeat]>([
    ['its input ends', { seconds: 60, misses: 5 }],
    ['nothing is heard for long', { seconds: 1, misses: 5 }],
  ])(
    'ends what it was told to protect, and nothing else, when %s',
    async (reason, heartbeat) => {
      using started = new DisposableStack();
      const [id, other, mark, otherMark] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()] as const;
      startProcess(`outer,${id},inner`, mark, started);
      // Released; not named; and one that has the id in another place, or as a part.
      startProcess(`outer,${other}`, otherMark, started);
      startProcess('unknown', otherMark, started);
      startProcess(`${id}-more`, otherMark, started);
      for (const [one, count] of [
        [mark, 3],
        [otherMark, 9],
      ] as const)
        await expect.poll(() => living(one)).toBe(count);
      const guard = await startGuard(argv, heartbeat, started);
      for (const line of [`+ ${other}`, `+ ${id}`, `- ${other}`, '- never-there', '=']) guard.tell(line);
      if (reason === 'its input ends') guard.hangUp();
      await guard.ended;
      expect(await living(mark)).toBe(0);
      expect(await living(otherMark)).toBe(9);
    },
    60_000,
  );

  it('ends what serves its connection when nothing is heard for long, if that serves one login', async () => {
    using started = new DisposableStack();
    const ends = ['sshd: me@notty', 'sshd', 'another'].map(async (name) => {
      const guard = guardScript('TOKEN', { seconds: 1, misses: 1 });
      const inside = [...argv, '-c', script].map((word) => `'${word}'`).join(' ');
      // What is behind it keeps the shell from becoming the guard.
      const server = spawn('/bin/sh', ['-c', `${inside}; exit 3`], {
        argv0: name,
        stdio: ['pipe', 'ignore', 'ignore'],
      });
      started.defer(() => server.kill('SIGKILL'));
      server.stdin.write(`${Buffer.byteLength(guard)}\n${guard}`);
      const [code, signal] = await once(server, 'exit');
      return signal ?? code;
    });
    expect(await Promise.all(ends)).toEqual(['SIGTERM', 3, 3]);
  });

  it('stays while there are signs of life', async () => {
    using started = new DisposableStack();
    const guard = await startGuard(argv, { seconds: 1, misses: 8 }, started);
    const beat = setInterval(() => guard.tell('='), 300);
    try {
      const wait = new Promise((resolve) => setTimeout(() => resolve('still there'), 11_000));
      expect(await Promise.race([guard.ended, wait])).toBe('still there');
    } finally {
      clearInterval(beat);
    }
    guard.hangUp();
    await guard.ended;
  });
});
