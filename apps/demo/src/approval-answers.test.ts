import type { ApprovalRequest } from '@seedbed/conversation-protocol';
import { describe, expect, it } from 'vitest';
import { createPaper } from '../test/paper.ts';
import { allowEverything, askAtKeyboard } from './approval-answers.ts';
import type { Keyboard } from './keyboard.ts';
import { createConversationView } from './terminal/conversation-view.ts';
import { createPage } from './terminal/page.ts';

const approval: ApprovalRequest = {
  approvalId: 'approval-1',
  turnId: 't',
  subject: { type: 'command', command: 'ls', cwd: '/w' },
  answers: ['approve', 'approve-for-session', 'approve-with-rule', 'deny', 'abort'],
  expiresAt: 0,
};

function typing(...lines: readonly string[]): Keyboard {
  const left = [...lines];
  return { nextLine: async () => left.shift(), [Symbol.dispose]: () => undefined };
}

async function answer(request: ApprovalRequest, ...lines: readonly string[]) {
  const paper = createPaper();
  const page = createPage(paper.stream);
  const ask = askAtKeyboard(page, createConversationView(page, { workdir: '/w' }), typing(...lines));
  return { decision: await ask(request, new AbortController().signal), printed: paper.text() };
}

describe('an approval at the keyboard', () => {
  it.each([
    ['y', 'approve'],
    ['YES ', 'approve'],
    ['n', 'deny'],
    ['a', 'approve-for-session'],
    ['q', 'abort'],
  ])('%j means %s', async (line, type) => {
    expect((await answer(approval, line)).decision).toEqual({ type });
  });

  it('asks again until it understands; an empty line is no answer', async () => {
    const { decision, printed } = await answer(approval, '', 'maybe', 'yn', 'n');
    expect(decision).toEqual({ type: 'deny' });
    expect(printed.match(/Allow\?/g)).toHaveLength(4);
  });

  it('takes the end of the input for a no to everything', async () => {
    expect((await answer(approval)).decision).toEqual({ type: 'abort' });
  });

  it('offers only what makes sense', async () => {
    const { decision, printed } = await answer({ ...approval, answers: ['approve', 'deny'] }, 'a', 'q', 'n');
    expect(printed).toContain('[y]es [n]o:');
    expect(decision).toEqual({ type: 'deny' });
  });
});

it('--yes allows, and says that it does', async () => {
  const paper = createPaper();
  const view = createConversationView(createPage(paper.stream), { workdir: '/w' });
  expect(await allowEverything(view)(approval, new AbortController().signal)).toEqual({ type: 'approve' });
  expect(paper.text()).toContain('allowed by --yes');
});
