import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { Host } from '../../host.ts';
import type { HostProcess } from '../../process.ts';
import { run } from '../../run.ts';
import { processesWithEnvironment } from '../living-processes.ts';
import { type CaseDefinition, textOf } from './contract-case.ts';
import { markerOf, shown } from './process-marks.ts';

/** That an ending leaves nothing of a process, and touches nothing else. */
export const leftBehindCases: readonly CaseDefinition[] = [
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
      const children = (await processes(host)).filter(({ parent }) => parent === process.pid);
      assert.ok(children.length > 0);
      await process.end({ from: 'term', graceMs: 200 });
      for (const { pid } of children) assert.equal(await isAlive(host, pid), false);
      await process[Symbol.asyncDispose]();
    },
  },
  {
    name: 'ends also what carries the id that the command was given, whatever else was done to its environment',
    needs: ['shell', 'procfs'],
    async check({ host }) {
      const id = `contract-${crypto.randomUUID()}`;
      const entry = `SEEDBED_PROCESS=${id}`;
      const daemon = `(env -i ${entry} setsid sleep 1000 >/dev/null 2>&1 </dev/null &)`;
      const process = await host.spawn({
        argv: ['sh', '-c', `${daemon}; echo ready; exit 3`],
        env: { SEEDBED_PROCESS: id },
      });
      await shown(process, 'ready');
      assert.deepEqual(await process.exit, { kind: 'exited', code: 3 });
      while ((await processesWithEnvironment(host, entry)).length === 0) await delay(5);
      await process.end({ graceMs: 1_000 });
      assert.deepEqual(await processesWithEnvironment(host, entry), []);
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
];

/** Starts a shell script and waits for the line `ready`. */
async function startReady(host: Host, script: string): Promise<HostProcess> {
  const process = await host.spawn({ argv: ['sh', '-c', script] });
  await shown(process, 'ready');
  return process;
}

async function groupExists(host: Host, pid: number): Promise<boolean> {
  return (await processes(host)).some(({ group }) => group === pid);
}

async function isAlive(host: Host, pid: number): Promise<boolean> {
  return (await processes(host)).some((one) => one.pid === pid);
}

interface LivingProcess {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
}

/** Zombies are dead: when they are reaped is up to their parent. */
async function processes(host: Host): Promise<readonly LivingProcess[]> {
  const argv = ['ps', '-e', '-o', 'pid=,ppid=,pgid=,stat='] as const;
  const { stdout } = await run(host, { argv }, { check: true });
  return [...stdout.matchAll(/^\s*(\d+)\s+(\d+)\s+(\d+)\s+[^ZX\s]/gm)].map(([, pid, parent, group]) => ({
    pid: Number(pid),
    parent: Number(parent),
    group: Number(group),
  }));
}
