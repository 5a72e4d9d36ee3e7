import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { QuestionRequest } from '@seedbed/conversation-protocol';
import { describe, expect, it } from 'vitest';
import { codexOnHosts } from '../../test/codex-on-hosts.ts';
import { eventOf } from '../../test/scripted-task.ts';

const codexes = codexOnHosts();

const question = {
  id: 'colour',
  header: 'Colour',
  question: 'Which one?',
  options: [
    { label: 'Blue', description: 'Like the sky' },
    { label: 'Red', description: 'Like a rose' },
  ],
};

const mcpServers = {
  asking: {
    type: 'stdio',
    startMs: 60_000,
    command: process.execPath,
    args: [fileURLToPath(new URL('../../test/asking-mcp-server.mjs', import.meta.url))],
  },
} as const;

describe.each(codexes)('what Codex $version $where asks of people', ({ open }) => {
  it('is a question, and the model hears the answer', async () => {
    const asked: QuestionRequest[] = [];
    await using task = await open({
      story: [[{ type: 'ask', questions: [question] }], [{ type: 'say', text: 'Blue it is.' }]],
      onQuestion: async (request) => {
        asked.push(request);
        return { type: 'answers', answers: { colour: ['Blue'] } };
      },
    });
    expect((await task.conversation.run('Ask me')).outcome).toEqual({ status: 'completed' });
    expect(asked).toMatchObject([
      {
        subject: {
          type: 'questions',
          questions: [{ id: 'colour', text: 'Which one?', options: [{ label: 'Blue' }, { label: 'Red' }] }],
        },
      },
    ]);
    expect(JSON.stringify(task.model.requests[1]?.input)).toContain('Blue');
    expect(task.conversation.state().pendingQuestions).toEqual([]);
  });

  it.each([
    ['decline', 'completed'],
    ['cancel', 'interrupted'],
  ] as const)('may be met with %s, and the turn is %s', async (type, status) => {
    await using task = await open({
      story: [[{ type: 'ask', questions: [question] }], [{ type: 'say', text: 'Never mind.' }]],
      onQuestion: async () => ({ type }),
    });
    expect((await task.conversation.run('Ask me')).outcome).toEqual({ status });
  });

  it('can be left unanswered: it is declined at its deadline', async () => {
    await using task = await open({
      story: [[{ type: 'ask', questions: [question] }], [{ type: 'say', text: 'Never mind.' }]],
      deadlines: { answerMs: 300 },
    });
    expect((await task.conversation.run('Ask me')).outcome).toEqual({ status: 'completed' });
    expect(await eventOf(task.conversation, 'question-answered')).toMatchObject({
      result: 'declined',
      by: 'deadline',
    });
  });

  it('refuses an answer that does not fit', async () => {
    await using task = await open({
      story: [[{ type: 'ask', questions: [question] }], [{ type: 'say', text: 'Done.' }]],
    });
    const running = task.conversation.run('Ask me');
    const asked = await eventOf(task.conversation, 'question-asked');
    const answer = (id: string, answers: Record<string, string[]>) =>
      task.conversation.submit({
        id,
        op: {
          type: 'answer-question',
          questionId: asked.question.questionId,
          answer: { type: 'answers', answers },
        },
      });
    await expect(answer('1', { size: ['big'] })).rejects.toMatchObject({ code: 'invalid-answer' });
    await answer('2', { colour: ['Red'] });
    expect((await running).outcome).toEqual({ status: 'completed' });
  });

  it('may come from a tool server, as a form', async () => {
    const asked: QuestionRequest[] = [];
    await using task = await open({
      mcpServers,
      story: [
        [{ type: 'callTool', namespace: 'mcp__asking', name: 'ask_colour', arguments: {} }],
        [{ type: 'say', text: 'Green.' }],
      ],
      onQuestion: async (request) => {
        asked.push(request);
        return { type: 'content', content: { colour: 'green' } };
      },
    });
    expect((await task.conversation.run('Ask')).outcome).toEqual({ status: 'completed' });
    expect(asked.at(-1)).toMatchObject({
      subject: { type: 'form', server: 'asking', message: 'Which colour?' },
    });
    expect(JSON.stringify(task.model.requests[1]?.input)).toContain('green');
    const call = await eventOf(task.conversation, 'item-completed', ({ item }) => item.kind === 'tool-call');
    expect(call.item).toMatchObject({ server: 'asking', tool: 'ask_colour', status: 'completed' });
  });

  it('may be further access, which is granted for the turn', async () => {
    await using task = await open({
      story: [
        [{ type: 'requestPermissions', reason: 'To leave a note', write: ['/var/tmp'] }],
        [{ type: 'say', text: 'Thanks.' }],
      ],
      onApproval: async () => ({ type: 'approve' }),
    });
    expect((await task.conversation.run('Ask')).outcome).toEqual({ status: 'completed' });
    const asked = await eventOf(task.conversation, 'approval-requested');
    expect(asked.approval).toMatchObject({
      reason: 'To leave a note',
      subject: { type: 'permissions', write: ['/var/tmp'] },
    });
    expect(JSON.stringify(task.model.requests[1]?.input)).toContain('/var/tmp');
  });
});

describe.each(codexes)('an approval of Codex $version $where', ({ open }) => {
  const story = [
    [{ type: 'run', command: 'touch asked-for', escalate: 'May I?' }],
    [{ type: 'say', text: 'Then not.' }],
  ] as const;

  it('is a denial when the handler throws, and the viewer reads why', async () => {
    await using task = await open({
      story,
      onApproval: () => {
        throw new Error('the handler broke');
      },
    });
    expect((await task.conversation.run('Go')).outcome).toEqual({ status: 'completed' });
    expect(await eventOf(task.conversation, 'approval-resolved')).toMatchObject({
      decision: { type: 'deny' },
      by: 'policy',
    });
    await eventOf(task.conversation, 'warning', ({ message }) => message.includes('the handler broke'));
    await expect(access(join(task.workdir, 'asked-for'))).rejects.toThrow();
  });

  it('is a denial at its deadline when the handler never answers', async () => {
    await using task = await open({
      story,
      onApproval: () => new Promise(() => undefined),
      deadlines: { answerMs: 300 },
    });
    expect((await task.conversation.run('Go')).outcome).toEqual({ status: 'completed' });
    expect(await eventOf(task.conversation, 'approval-resolved')).toMatchObject({
      decision: { type: 'deny' },
      by: 'deadline',
    });
  });

  it('is withdrawn with an interrupt', async () => {
    await using task = await open({ story });
    const running = task.conversation.run('Go');
    await eventOf(task.conversation, 'approval-requested');
    await task.conversation.submit({ id: 'stop', op: { type: 'interrupt' } });
    expect((await running).outcome).toEqual({ status: 'interrupted' });
    expect(await eventOf(task.conversation, 'approval-resolved')).toMatchObject({ by: 'agent' });
    expect(task.conversation.state().pendingApprovals).toEqual([]);
  });

  it('is refused when the conversation ends', async () => {
    // A model that says no more, or the turn could be over before it is interrupted.
    await using task = await open({ story: [story[0], [{ type: 'hang' }]] });
    const running = task.conversation.run('Go');
    await eventOf(task.conversation, 'approval-requested');
    await task.conversation.end();
    expect((await running).outcome.status).not.toBe('completed');
    expect(task.conversation.state().pendingApprovals).toEqual([]);
    await expect(access(join(task.workdir, 'asked-for'))).rejects.toThrow();
  });

  it('with a rule lets the like pass from then on', async () => {
    let asked = 0;
    const run = { type: 'run', command: 'touch ruled', escalate: 'May I?', prefixRule: ['touch'] } as const;
    await using task = await open({
      story: [[run], [{ ...run, command: 'touch ruled-too' }], [{ type: 'say', text: 'Done.' }]],
      onApproval: async ({ answers, subject }) => {
        asked += 1;
        expect(answers).toContain('approve-with-rule');
        expect(subject).toMatchObject({ rule: ['touch'] });
        return { type: 'approve-with-rule' };
      },
    });
    await task.conversation.run('Go');
    expect(asked).toBe(1);
    await access(join(task.workdir, 'ruled-too'));
  });
});

describe.each(codexes)('Codex $version $where without a sandbox of its own', ({ open }) => {
  it('asks before every command, because nothing else stands before it', async () => {
    const asked: string[] = [];
    await using task = await open({
      sandbox: { mode: 'external' },
      story: [[{ type: 'run', command: 'touch unconfined' }], [{ type: 'say', text: 'Done.' }]],
      onApproval: async ({ subject }) => {
        if (subject.type === 'command') asked.push(subject.command);
        return { type: 'approve' };
      },
    });
    expect((await task.conversation.run('Go')).outcome).toEqual({ status: 'completed' });
    expect(asked).toEqual([expect.stringContaining('touch unconfined')]);
    expect(task.conversation.sandbox).toMatchObject({ confinedBy: 'external' });
    await access(join(task.workdir, 'unconfined'));
  });
});

describe.each(codexes)('approvals by the reviewing model of Codex $version $where', ({ open }) => {
  it('ask nobody here, and let pass what that model lets pass', async () => {
    await using task = await open({
      sandbox: { approvals: 'auto-review' },
      story: [
        [{ type: 'run', command: 'touch reviewed', escalate: 'May I?' }],
        [{ type: 'say', text: 'Done.' }],
      ],
      onApproval: () => {
        throw new Error('Nobody is to be asked.');
      },
    });
    expect((await task.conversation.run('Go')).outcome).toEqual({ status: 'completed' });
    expect(task.model.requests.map((request) => request.purpose)).toContain('auto-review');
    await access(join(task.workdir, 'reviewed'));
  });
});
