import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Host } from '../../host.ts';
import type { HostProcess } from '../../process.ts';
import { run } from '../../run.ts';
import { environmentOf, processesWithEnvironment } from '../living-processes.ts';
import { type CaseDefinition, textOf } from './contract-case.ts';

/** How processes end, and that nothing of them is left. */
export const endingCases: readonly CaseDefinition[] = [
  {
    name: 'ends a process by the end of its input, when that is enough',
    async check({ host }) {
      const process = await host.spawn({ argv: ['cat'] });
      assert.deepEqual(await process.end(), { kind: 'exited', code: 0 });
      assert.deepEqual(await process.exit, { kind: 'exited', code: 0 });
      await process[Symbol.asyncDispose]();
    },
  },
  {
    name: 'ends a process by SIGTERM when it does not mind its input, and says so',
    async check({ host }) {
      const process = await host.spawn({ argv: ['sleep', '1000'] });
      assert.deepEqual(await process.end({ graceMs: 50 }), { kind: 'signaled', name: 'SIGTERM' });
      await process[Symbol.asyncDispose]();
    },
  },
  {
    name: 'reports the signal that ended a process',
    async check({ host }) {
      for (const name of ['SIGINT', 'SIGTERM', 'SIGKILL', 'SIGHUP'] as const) {
        await using process = await host.spawn({ argv: ['sleep', '1000'] });
        await process.signal(name);
        assert.deepEqual(await process.exit, { kind: 'signaled', name });
      }
    },
  },
  {
    name: 'joins an ending that is under way, and makes it harsher when told to',
    async check({ host }) {
      const process = await host.spawn({ argv: ['sleep', '1000'] });
      const gentle = process.end({ graceMs: 3_600_000 });
      const again = process.end();
      const harsh = process.end({ from: 'kill' });
      const killed = { kind: 'signaled', name: 'SIGKILL' };
      assert.deepEqual(await Promise.all([gentle, again, harsh]), [killed, killed, killed]);
      assert.deepEqual(await process.end(), killed);
      await process.signal('SIGTERM');
    },
  },
  {
    name: 'ends the group when the signal given at the start fires',
    async check({ host }) {
      const controller = new AbortController();
      const process = await host.spawn({ argv: ['cat'] }, { signal: controller.signal });
      controller.abort();
      assert.deepEqual(await process.exit, { kind: 'exited', code: 0 });
      await process[Symbol.asyncDispose]();
    },
  },
  {
    name: 'kills a group in which a child and a grandchild ignore SIGTERM',
    needs: ['shell'],
    async check({ host }) {
      const inner =
        "trap '' TERM; sh -c \"trap '' TERM; echo ready; while :; do sleep 0.05; done\" & while :; do sleep 0.05; done";
      const process = await startReady(host, inner);
      assert.deepEqual(await process.end({ graceMs: 50 }), { kind: 'signaled', name: 'SIGKILL' });
      assert.equal(await groupExists(host, process.pid), false);
      await process[Symbol.asyncDispose]();
    },
  },
  {
    name: 'ends what a process left behind in its group when it is disposed of',
    needs: ['shell'],
    async check({ host }) {
      const process = await startReady(host, 'sleep 1000 & echo ready');
      assert.deepEqual(await process.exit, { kind: 'exited', code: 0 });
      assert.equal(await groupExists(host, process.pid), true);
      await process[Symbol.asyncDispose]();
      assert.equal(await groupExists(host, process.pid), false);
    },
  },
  {
    name: 'leaves alone what another process started',
    needs: ['shell'],
    async check({ host }) {
      await using bystander = await host.spawn({ argv: ['cat'] });
      const process = await startReady(host, 'sleep 1000 & echo ready; sleep 1000');
      await process.end({ from: 'kill' });
      const writer = bystander.stdin.getWriter();
      await writer.write(new TextEncoder().encode('alive'));
      await writer.close();
      assert.equal(await textOf(bystander.stdout), 'alive');
    },
  },
  {
    name: 'ends also what left the group and lost its parent',
    needs: ['shell', 'procfs'],
    async check({ host }) {
      const script =
        '(setsid sh -c "trap \'\' TERM HUP; exec sleep 1000" >/dev/null 2>&1 </dev/null & echo $! ) ; echo ready; sleep 1000';
      const process = await startReady(host, script);
      const marker = await markerOf(host, process.pid);
      assert.ok((await processesWithEnvironment(host, marker)).length >= 2);
      await process.end({ from: 'term', graceMs: 50 });
      assert.deepEqual(await processesWithEnvironment(host, marker), []);
      await process[Symbol.asyncDispose]();
    },
  },
  {
    name: 'ends also what left the group and threw its environment away, while its parent lives',
    needs: ['shell', 'procfs'],
    async check({ host }) {
      const script = 'env -i setsid sleep 1234.5 >/dev/null 2>&1 & sleep 0.1; echo ready; sleep 1000';
      const process = await startReady(host, script);
      const { stdout } = await run(host, { argv: ['sh', '-c', `ps -o pid= --ppid ${process.pid}`] });
      const children = stdout.trim().split(/\s+/).map(Number);
      assert.ok(children.length > 0);
      await process.end({ from: 'term', graceMs: 200 });
      for (const pid of children) assert.equal(await isAlive(host, pid), false);
      await process[Symbol.asyncDispose]();
    },
  },
  {
    name: 'gives the output of a grandchild that outlives its parent',
    needs: ['shell'],
    async check({ host }) {
      const process = await host.spawn({ argv: ['sh', '-c', '(sleep 0.3; echo late) & echo early; exit 5'] });
      let closed = false;
      void process.closed.then(() => {
        closed = true;
      });
      assert.deepEqual(await process.exit, { kind: 'exited', code: 5 });
      assert.equal(closed, false);
      assert.equal(await textOf(process.stdout), 'early\nlate\n');
      assert.equal(await textOf(process.stderr), '');
      assert.deepEqual(await process.closed, { kind: 'exited', code: 5 });
      await process[Symbol.asyncDispose]();
    },
  },
  {
    name: 'leaves a daemon running that a command of run started on purpose',
    needs: ['shell', 'procfs'],
    async check({ host }) {
      const { stdout } = await run(
        host,
        { argv: ['sh', '-c', 'setsid sleep 1000 >/dev/null 2>&1 </dev/null & echo $!'] },
        { check: true },
      );
      await delay(50);
      const pid = Number(stdout);
      assert.equal(await isAlive(host, pid), true);
      await run(host, { argv: ['kill', '-KILL', String(pid)] }, { check: true });
    },
  },
  {
    name: 'gives a terminal: its size, its output, its resize, its end of input',
    needs: ['shell', 'pty'],
    async check({ host }) {
      const process = await host.spawn(
        {
          argv: [
            'sh',
            '-c',
            'test -t 0 && test -t 1 && stty size; read line; echo "got $line"; read line; stty size; cat; exit 9',
          ],
        },
        { pty: { columns: 91, rows: 17, term: 'xterm' } },
      );
      assert.ok(process.resize);
      const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
      let shown = '';
      const until = async (text: string): Promise<void> => {
        while (!shown.includes(text)) {
          const { value, done } = await reader.read();
          assert.ok(
            !done,
            `the terminal closed before ${JSON.stringify(text)}; it showed ${JSON.stringify(shown)}`,
          );
          shown += value;
        }
      };
      await until('17 91');
      const writer = process.stdin.getWriter();
      await writer.write(new TextEncoder().encode('h\u00e9llo\r'));
      await until('got h\u00e9llo');
      await process.resize({ columns: 40, rows: 8 });
      await writer.write(new TextEncoder().encode('\r'));
      await until('8 40');
      await writer.close();
      assert.deepEqual(await process.exit, { kind: 'exited', code: 9 });
      await process[Symbol.asyncDispose]();
    },
  },
  {
    name: 'loses nothing of what a terminal showed when it is read late',
    needs: ['shell', 'pty'],
    async check({ host }) {
      const process = await host.spawn(
        { argv: ['sh', '-c', 'seq 1 200000'] },
        { pty: { columns: 80, rows: 24 } },
      );
      await delay(400);
      const lines = (await textOf(process.stdout)).trimEnd().split('\r\n');
      assert.equal(lines.length, 200_000);
      assert.equal(lines.at(-1), '200000');
      assert.deepEqual(await process.exit, { kind: 'exited', code: 0 });
      await process[Symbol.asyncDispose]();
    },
  },
  {
    name: 'ends a terminal and all that runs in it',
    needs: ['shell', 'pty', 'procfs'],
    async check({ host }) {
      const process = await host.spawn(
        { argv: ['sh', '-c', "trap '' HUP TERM; sleep 1000 & echo ready; while :; do sleep 0.05; done"] },
        { pty: { columns: 80, rows: 24 } },
      );
      await shown(process, 'ready');
      const marker = await markerOf(host, process.pid);
      assert.deepEqual(await process.end({ graceMs: 50 }), { kind: 'signaled', name: 'SIGKILL' });
      assert.deepEqual(await processesWithEnvironment(host, marker), []);
      await process[Symbol.asyncDispose]();
    },
  },
  {
    name: 'refuses a missing program in a terminal as it does without one',
    needs: ['pty'],
    async check({ host }) {
      await assert.rejects(
        host.spawn({ argv: ['no-such-program-7f3a'] }, { pty: { columns: 80, rows: 24 } }),
        { code: 'command-not-found' },
      );
    },
  },
];

/** Starts a shell script and waits for the line `ready`. */
async function startReady(host: Host, script: string): Promise<HostProcess> {
  const process = await host.spawn({ argv: ['sh', '-c', script] });
  await shown(process, 'ready');
  return process;
}

async function shown(process: HostProcess, text: string): Promise<void> {
  const reader = process.stdout.getReader();
  const decoder = new TextDecoder();
  let seen = '';
  while (!seen.includes(text)) {
    const { value, done } = await reader.read();
    assert.ok(!done, `ended before it printed ${text}; it printed ${seen}`);
    seen += decoder.decode(value, { stream: true });
  }
  reader.releaseLock();
}

async function groupExists(host: Host, group: number): Promise<boolean> {
  const { stdout } = await run(host, { argv: ['ps', '-e', '-o', 'pgid=,stat='] }, { check: true });
  return stdout.split('\n').some((line) => new RegExp(`^\\s*${group}\\s+[^ZX]`).test(line));
}

/** The entry of its environment by which the processes that come from it are found. */
async function markerOf(host: Host, pid: number): Promise<string> {
  const entry = (await environmentOf(host, pid)).find((one) => one.startsWith('SEEDBED_PROCESS='));
  assert.ok(entry);
  return entry;
}

/** A zombie is dead: when it is reaped is up to its parent. */
async function isAlive(host: Host, pid: number): Promise<boolean> {
  const { stdout } = await run(host, { argv: ['ps', '-o', 'stat=', '-p', String(pid)] });
  return /^[^ZX\s]/.test(stdout.trim());
}
