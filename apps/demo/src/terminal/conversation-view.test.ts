import type { EventMessage, Item } from '@seedbed/conversation-protocol';
import { describe, expect, it } from 'vitest';
import { createPaper } from '../../test/paper.ts';
import { createConversationView } from './conversation-view.ts';
import { createPage } from './page.ts';

function show(...messages: readonly EventMessage[]): string {
  const paper = createPaper();
  const view = createConversationView(createPage(paper.stream), {
    workdir: '/w',
    whatYesOpens: 'Much.',
  });
  for (const msg of messages) {
    view.show(msg);
    if (msg.type === 'approval-requested') view.showApproval(msg.approval);
  }
  return paper.text();
}

const command = (rest: Partial<Extract<Item, { kind: 'command' }>> = {}): Item => ({
  kind: 'command',
  itemId: 'c',
  status: 'completed',
  command: "/bin/bash -c 'node t.js'",
  cwd: '/w',
  output: 'ok\n',
  exitCode: 0,
  ...rest,
});
const started = (item: Item): EventMessage => ({ type: 'item-started', turnId: 't', item });
const completed = (item: Item): EventMessage => ({ type: 'item-completed', turnId: 't', item });
const turnStarted: EventMessage = { type: 'turn-started', turnId: 't', origin: 'client' };

function asked(subject: Extract<EventMessage, { type: 'approval-requested' }>['approval']['subject']) {
  return {
    type: 'approval-requested',
    approval: {
      approvalId: 'a',
      turnId: 't',
      itemId: 'c',
      reason: 'Please.',
      subject,
      answers: ['approve', 'deny'],
      expiresAt: 0,
    },
  } as const;
}

describe('a conversation on a page', () => {
  it('shows a command, the question whether it may run, its output and its end, each once', () => {
    const question = asked({ type: 'command', command: "/bin/bash -c 'node t.js'", cwd: '/w' });
    expect(show(started(command()), question, completed(command()))).toBe(
      [
        '',
        '$ node t.js',
        '? Codex asks to run this in the folder of the sample',
        '  │ It says: Please.',
        '  │ Much.',
        '  │ ok',
        '  └ exit code 0',
        '',
      ].join('\n'),
    );
  });

  it('shows the command with the question when nothing announced it', () => {
    const question = asked({ type: 'command', command: 'rm -rf /', cwd: '/elsewhere' });
    expect(show(started(command({ itemId: 'another' })), question)).toContain(
      '$ rm -rf /\n? Codex asks to run this in /elsewhere\n',
    );
  });

  it('names the command again when its end comes late', () => {
    const said: Item = { kind: 'agent-message', itemId: 'm', status: 'completed', text: 'Meanwhile.' };
    const shown = show(started(command()), completed(said), completed(command()));
    expect(shown).toBe('\n$ node t.js\n\n● Meanwhile.\n\n$ node t.js\n  │ ok\n  └ exit code 0\n');
  });

  it('says of a refused command that it did not run', () => {
    const { exitCode: _, ...refused } = command({ status: 'declined' }) as Extract<Item, { kind: 'command' }>;
    expect(show(completed({ ...refused, output: 'Rejected' }))).toBe('\n$ node t.js\n  └ not run\n');
  });

  it('leaves the middle of a long output out, and says how much', () => {
    const output = Array.from({ length: 100 }, (_, index) => `line ${index + 1}`).join('\n');
    const shown = show(completed(command({ output })));
    expect(shown).toContain('line 20\n  │ … 77 lines …\n  │ line 98\n');
    expect(shown.split('\n')).toHaveLength(28);
  });

  it('shows a change as a diff with its path inside the sample, and once when it was asked about', () => {
    const changes = [{ path: '/w/src/a.js', kind: 'update', diff: '@@ -1 +1 @@\n-one\n+two\n' }] as const;
    const item: Item = { kind: 'file-change', itemId: 'c', status: 'completed', changes };
    const diff = '\n± changes src/a.js\n  │ @@ -1 +1 @@\n  │ -one\n  │ +two\n';
    expect(show(completed(item))).toBe(diff);
    expect(show(asked({ type: 'file-change', changes }), completed(item))).toBe(
      `${diff}? Codex asks to make this change\n  │ It says: Please.\n\n± changes src/a.js\n`,
    );
  });

  it('shows all of what an access would open', () => {
    const subject = { type: 'permissions', network: true, read: ['/etc'], write: ['/w/x'] } as const;
    expect(show(asked(subject))).toContain('  │ the network\n  │ to read /etc\n  │ to write /w/x\n');
  });

  it('neutralises what an agent, a file or an output could do to the terminal', () => {
    const text = '\u001b[1A\u001b[2K? Allow?';
    const said: Item = { kind: 'agent-message', itemId: 'm', status: 'completed', text };
    const shown = show(completed(said), completed(command({ output: text, command: text })), {
      type: 'error',
      message: text,
      willRetry: false,
    });
    expect(shown).not.toContain('\u001b');
    expect(shown.split('\n').filter((line) => line.startsWith('?'))).toEqual([]);
  });

  it('keeps warnings about the installation to itself, and shows those of the turn, errors and endings', () => {
    const warning: EventMessage = { type: 'warning', message: 'Careful.' };
    expect(show(warning)).toBe('');
    expect(show(turnStarted, warning)).toBe('! Careful.\n');
    expect(show({ type: 'error', message: 'Busy.', willRetry: true })).toBe('! Busy. Codex tries again.\n');
    expect(show({ type: 'closed', reason: 'lost', message: 'It was killed.' })).toBe(
      '! Codex is gone. It was killed.\n',
    );
  });
});
