import { openSshHost } from '@seedbed/host/ssh';
import { openSshd } from '@seedbed/host/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { codexBinary, downloadTimeout, supportedVersions } from '../test/codex-binaries.ts';
import { openScriptedTask } from '../test/scripted-task.ts';

beforeAll(() => Promise.all(supportedVersions.map(codexBinary)), downloadTimeout);

describe.each(supportedVersions)('a task of Codex %s on a host that SSH reaches', (version) => {
  it('is confined, asked and answered as one on this machine', async () => {
    await using sshd = await openSshd();
    const { fingerprint, port, privateKey, user } = sshd;
    await using host = await openSshHost({
      host: sshd.host,
      port,
      user,
      auth: { privateKey },
      hostKey: { fingerprint },
    });
    let asked = 0;
    await using task = await openScriptedTask({
      version,
      host,
      story: [
        [{ type: 'run', command: 'echo here > made; cat made; echo out > ../outside' }],
        [{ type: 'run', command: 'echo asked', escalate: 'May I?' }],
        [{ type: 'say', text: 'Done — über SSH.' }],
      ],
      onApproval: async () => {
        asked += 1;
        return { type: 'approve' };
      },
    });
    const result = await task.conversation.run('Go');
    expect(result).toMatchObject({ outcome: { status: 'completed' }, finalMessage: 'Done — über SSH.' });
    expect(asked).toBe(1);
    expect(task.conversation.sandbox).toMatchObject({ confinedBy: 'codex', verdict: 'held' });
    const told = JSON.stringify(task.model.requests[1]?.input.at(-1));
    expect(told).toContain('here');
    expect(told).toMatch(/Read-only file system|Permission denied/);
  });
});
