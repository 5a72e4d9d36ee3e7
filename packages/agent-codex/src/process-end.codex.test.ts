import { createLocalHost } from '@seedbed/host/local';
import { processesWithEnvironment } from '@seedbed/host/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { codexBinary, downloadTimeout, supportedVersions } from '../test/codex-binaries.ts';
import { codexOnHosts } from '../test/codex-on-hosts.ts';
import { recordPids } from '../test/recorded-pids.ts';
import { eventOf, openScriptedTask, type ScriptedTask } from '../test/scripted-task.ts';

beforeAll(() => Promise.all(supportedVersions.map(codexBinary)), downloadTimeout);

/** A command that stays, with a child that leaves its session. */
const lasting = 'setsid sleep 1001 & echo started; sleep 1001';

async function left(task: ScriptedTask): Promise<readonly unknown[]> {
  await using host = createLocalHost();
  return await processesWithEnvironment(host, `HOME=${task.workdir}/home`);
}

/** Starts the command, and comes back when its child runs. */
async function runLasting(task: ScriptedTask) {
  const running = task.conversation.run('Stay');
  await eventOf(task.conversation, 'item-started', ({ item }) => item.kind === 'command');
  await expect.poll(async () => JSON.stringify(await left(task))).toContain('sleep');
  return { result: running };
}

describe.each(codexOnHosts())(
  'of a session of Codex $version $where no process is left',
  ({ version, host: hostOf }) => {
    const story = [[{ type: 'run', command: lasting, yieldMs: 60_000 }]] as const;

    it.each(['workspace-write', 'danger-full-access'] as const)(
      'when it is ended in the middle of a command (%s)',
      async (mode) => {
        await using task = await openScriptedTask({
          version,
          host: await hostOf(),
          story,
          sandbox: { mode },
          onApproval: async () => ({ type: 'approve' }),
        });
        const { result } = await runLasting(task);
        await task.conversation.end();
        expect((await result).outcome.status).not.toBe('completed');
        expect(await left(task)).toEqual([]);
      },
    );

    it.each(['workspace-write', 'danger-full-access'] as const)(
      'when Codex is killed in the middle of a command (%s)',
      async (mode) => {
        const host = recordPids(await hostOf());
        await using task = await openScriptedTask({
          version,
          host,
          story,
          sandbox: { mode },
          onApproval: async () => ({ type: 'approve' }),
        });
        const { result } = await runLasting(task);
        const pid = host.pids.at(-1);
        if (pid === undefined) throw new Error('Codex was not started.');
        process.kill(pid, 'SIGKILL');
        expect((await result).outcome).toMatchObject({
          status: 'failed',
          failure: { code: 'agent-lost', message: expect.stringContaining('SIGKILL') },
        });
        await task.conversation.end();
        expect(await left(task)).toEqual([]);
      },
    );
  },
);
