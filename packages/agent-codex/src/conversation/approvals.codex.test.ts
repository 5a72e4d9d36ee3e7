import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ApprovalRequest } from '@seedbed/conversation-protocol';
import { describe, expect, it } from 'vitest';
import { codexOnHosts } from '../../test/codex-on-hosts.ts';
import { eventOf } from '../../test/scripted-task.ts';

const addFile = (path: string, text: string) =>
  `*** Begin Patch\n*** Add File: ${path}\n${text
    .split('\n')
    .map((line) => `+${line}`)
    .join('\n')}\n*** End Patch`;

describe.each(codexOnHosts())(
  'what is asked for in a conversation with Codex $version $where',
  ({ open }) => {
    it('asks before it leaves the sandbox, and goes on when it is approved', async () => {
      const asked: ApprovalRequest[] = [];
      await using task = await open({
        story: [
          [{ type: 'run', command: 'touch made-outside', escalate: 'May I?' }],
          [{ type: 'say', text: 'Thanks.' }],
        ],
        onApproval: async (request) => {
          asked.push(request);
          return { type: 'approve' };
        },
      });
      const result = await task.conversation.run('Go');
      expect(result.outcome).toEqual({ status: 'completed' });
      expect(asked).toMatchObject([
        {
          reason: 'May I?',
          subject: { type: 'command', command: expect.stringContaining('touch made-outside') },
        },
      ]);
      await readFile(join(task.workdir, 'made-outside'));
      expect(task.conversation.state().pendingApprovals).toEqual([]);
    });

    it.each([
      ['deny', 'completed'],
      ['abort', 'interrupted'],
    ] as const)('on %s does not run the command, and the turn is %s', async (type, status) => {
      await using task = await open({
        story: [
          [{ type: 'run', command: 'touch never', escalate: 'May I?' }],
          [{ type: 'say', text: 'Pity.' }],
        ],
        onApproval: async () => ({ type }),
      });
      expect((await task.conversation.run('Go')).outcome).toEqual({ status });
      await expect(readFile(join(task.workdir, 'never'))).rejects.toMatchObject({ code: 'ENOENT' });
    });

    it('asks once for a session', async () => {
      let asked = 0;
      const run = { type: 'run', command: 'touch twice', escalate: 'May I?' } as const;
      await using task = await open({
        story: [[run], [run], [{ type: 'say', text: 'Done.' }]],
        onApproval: async () => {
          asked += 1;
          return { type: 'approve-for-session' };
        },
      });
      await task.conversation.run('Go');
      expect(asked).toBe(1);
    });

    it('takes an answer from a client, tells every viewer, and refuses a second one', async () => {
      await using task = await open({
        story: [
          [{ type: 'run', command: 'touch by-client', escalate: 'May I?' }],
          [{ type: 'say', text: 'Done.' }],
        ],
      });
      const running = task.conversation.run('Go');
      const { approval } = await eventOf(task.conversation, 'approval-requested');
      expect(task.conversation.state().pendingApprovals).toHaveLength(1);
      const op = {
        type: 'answer-approval',
        approvalId: approval.approvalId,
        decision: { type: 'approve' },
      } as const;
      await task.conversation.submit({ id: 'a', op });
      await expect(task.conversation.submit({ id: 'b', op })).rejects.toMatchObject({ code: 'not-pending' });
      expect((await running).outcome).toEqual({ status: 'completed' });
      expect(await eventOf(task.conversation, 'approval-resolved')).toMatchObject({
        by: 'client',
        decision: { type: 'approve' },
      });
    });

    it('shows a patch before it asks for it, and writes it when approved', async () => {
      const shown: ApprovalRequest[] = [];
      await using task = await open({
        story: [[{ type: 'patch', patch: addFile('hello.txt', 'hello') }], [{ type: 'say', text: 'Done.' }]],
        sandbox: { mode: 'read-only' },
        onApproval: async (request) => {
          shown.push(request);
          return { type: 'approve' };
        },
      });
      await task.conversation.run('Patch');
      expect(shown).toMatchObject([
        {
          subject: {
            type: 'file-change',
            changes: [{ kind: 'add', diff: expect.stringContaining('hello') }],
          },
        },
      ]);
      expect(await readFile(join(task.workdir, 'hello.txt'), 'utf8')).toBe('hello\n');
    });

    it('patches the workdir unasked, where the policy lets it', async () => {
      await using task = await open({
        story: [[{ type: 'patch', patch: addFile('free.txt', 'free') }], [{ type: 'say', text: 'Done.' }]],
      });
      await task.conversation.run('Patch');
      expect(await readFile(join(task.workdir, 'free.txt'), 'utf8')).toBe('free\n');
      const change = await eventOf(
        task.conversation,
        'item-completed',
        ({ item }) => item.kind === 'file-change',
      );
      expect(change.item).toMatchObject({ status: 'completed', changes: [{ kind: 'add' }] });
      expect(await eventOf(task.conversation, 'diff-updated')).toMatchObject({
        diff: expect.stringContaining('+free'),
      });
    });
  },
);
