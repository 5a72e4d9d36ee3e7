import { openSshHost } from '@seedbed/host/ssh';
import { openLinkProxy, openSshd } from '@seedbed/host/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { codexBinary, downloadTimeout, supportedVersions } from '../test/codex-binaries.ts';
import { openScriptedTask } from '../test/scripted-task.ts';

beforeAll(() => Promise.all(supportedVersions.map(codexBinary)), downloadTimeout);

describe.each(supportedVersions)('a conversation with Codex %s whose link is cut', (version) => {
  it('goes on where it was: the turn is finished, its approval asked once, and no event is lost', async () => {
    await using sshd = await openSshd();
    await using proxy = await openLinkProxy({ host: sshd.host, port: sshd.port });
    const { fingerprint, privateKey, user } = sshd;
    const changes: string[] = [];
    await using host = await openSshHost({
      host: proxy.host,
      port: proxy.port,
      user,
      auth: { privateKey },
      hostKey: { fingerprint },
      onLinkChange: ({ state }) => changes.push(state),
    });
    let asked = 0;
    await using task = await openScriptedTask({
      version,
      host,
      story: [
        [{ type: 'run', command: 'echo one >> steps; sleep 1; echo done >> steps' }],
        [{ type: 'run', command: 'echo asked', escalate: 'May I?' }],
        [{ type: 'say', text: 'First.' }],
        [{ type: 'say', text: 'Second.' }],
      ],
      onApproval: async () => {
        asked += 1;
        proxy.cut();
        return { type: 'approve' };
      },
    });
    const turn = task.conversation.run('Go');
    await task.model.waitForRequest(0);
    proxy.cut();
    expect(await turn).toMatchObject({ outcome: { status: 'completed' }, finalMessage: 'First.' });
    proxy.cut();
    expect(await task.conversation.run('Again')).toMatchObject({ finalMessage: 'Second.' });
    expect(asked).toBe(1);
    expect(changes.filter((state) => state === 'interrupted').length).toBeGreaterThan(1);
    expect(JSON.stringify(task.model.requests[1]?.input.at(-1))).not.toContain('aborted');
  });
});
