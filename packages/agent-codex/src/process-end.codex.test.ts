import { createLocalHost } from '@seedbed/host/local';
import { type LivingProcess, openLinkProxy, openSshd, processesWithEnvironment } from '@seedbed/host/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { codexBinary, downloadTimeout, supportedVersions } from '../test/codex-binaries.ts';
import { codexOnHosts } from '../test/codex-on-hosts.ts';
import { eventOf, openScriptedTask, type ScriptedTask } from '../test/scripted-task.ts';
import { connectTo } from '../test/ssh-place.ts';

beforeAll(() => Promise.all(supportedVersions.map(codexBinary)), downloadTimeout);

/** A command that stays, with a child that leaves its session. */
const lasting = 'setsid sleep 1001 & echo started; sleep 1001';

async function left(task: ScriptedTask): Promise<readonly LivingProcess[]> {
  await using host = createLocalHost();
  return await processesWithEnvironment(host, `HOME=${task.workdir}/home`);
}

async function sleepers(task: ScriptedTask): Promise<number> {
  return (await left(task)).filter(({ argv }) => argv[0]?.endsWith('sleep')).length;
}

/** The process of Codex itself, of which the host may only know what looks after it. */
async function codexOf(task: ScriptedTask): Promise<number> {
  const codex = (await left(task)).find(
    ({ argv }) => argv[0]?.endsWith('/codex') && argv[1] === 'app-server',
  );
  if (codex === undefined) throw new Error('Codex does not run.');
  return codex.pid;
}

/** Starts the command, and comes back when it and its child sleep. */
async function runLasting(task: ScriptedTask) {
  const running = task.conversation.run('Stay');
  await eventOf(task.conversation, 'item-started', ({ item }) => item.kind === 'command');
  await expect.poll(() => sleepers(task), { timeout: 30_000 }).toBe(2);
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
        await using task = await openScriptedTask({
          version,
          host: await hostOf(),
          story,
          sandbox: { mode },
          onApproval: async () => ({ type: 'approve' }),
        });
        const { result } = await runLasting(task);
        process.kill(await codexOf(task), 'SIGKILL');
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

describe.each(supportedVersions)('of a session of Codex %s on a host whose link is cut', (version) => {
  it('no process is left once it has been ended', async () => {
    await using stack = new AsyncDisposableStack();
    const sshd = stack.use(await openSshd());
    const link = stack.use(await openLinkProxy(sshd));
    const host = stack.use(await connectTo(sshd, link));
    const story = [[{ type: 'run', command: lasting, yieldMs: 60_000 }]] as const;
    const task = stack.use(await openScriptedTask({ version, host, story }));
    const { result } = await runLasting(task);
    link.cut();
    await task.conversation.end();
    expect((await result).outcome.status).not.toBe('completed');
    await expect.poll(async () => await left(task), { timeout: 20_000 }).toEqual([]);
  });
});
