import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ApprovalRequest,
  type ConversationEvent,
  ConversationProtocolError,
  type ConversationState,
  type EventMessage,
  initialConversationState,
  parseEvent,
  reduceConversation,
} from './index.ts';

const approval: ApprovalRequest = {
  approvalId: 'a1',
  turnId: 't1',
  subject: { type: 'command', command: 'ls', cwd: '/w' },
  answers: ['approve', 'deny'],
  expiresAt: 1,
};

function events(...messages: EventMessage[]): ConversationEvent[] {
  return messages.map((msg, index) => ({ seq: index + 1, at: index, msg }));
}

function fold(...messages: EventMessage[]): ConversationState {
  return events(...messages).reduce(reduceConversation, initialConversationState);
}

const started: EventMessage = { type: 'turn-started', turnId: 't1', origin: 'client' };
const completed: EventMessage = { type: 'turn-completed', turnId: 't1', outcome: { status: 'completed' } };

describe('reduceConversation', () => {
  it('shows a message while it is being written and as it ended', () => {
    const writing: EventMessage[] = [
      started,
      {
        type: 'item-started',
        turnId: 't1',
        item: { kind: 'agent-message', itemId: 'i', status: 'in-progress', text: '' },
      },
      { type: 'message-delta', turnId: 't1', itemId: 'i', text: 'Hel' },
      { type: 'message-delta', turnId: 't1', itemId: 'i', text: 'lo' },
    ];
    expect(fold(...writing).turns[0]?.items).toMatchObject([{ text: 'Hello', status: 'in-progress' }]);
    const whole: EventMessage = {
      type: 'item-completed',
      turnId: 't1',
      item: { kind: 'agent-message', itemId: 'i', status: 'completed', text: 'Hello.' },
    };
    expect(fold(...writing, whole).turns[0]?.items).toMatchObject([{ text: 'Hello.', status: 'completed' }]);
  });

  it('keeps a command that completes after its turn in that turn, and the conversation idle', () => {
    const state = fold(started, completed, {
      type: 'item-completed',
      turnId: 't1',
      item: {
        kind: 'command',
        itemId: 'c',
        status: 'completed',
        command: 'sleep 1',
        cwd: '/',
        output: '',
        exitCode: 0,
      },
    });
    expect(state.status).toBe('idle');
    expect(state.turns).toHaveLength(1);
    expect(state.turns[0]?.items).toMatchObject([{ itemId: 'c', exitCode: 0 }]);
  });

  it('holds an approval until it is resolved, whoever looks and whenever', () => {
    const asked = fold(started, { type: 'approval-requested', approval });
    expect(asked.pendingApprovals).toEqual([approval]);
    const settled = fold(
      started,
      { type: 'approval-requested', approval },
      { type: 'approval-resolved', approvalId: 'a1', decision: { type: 'deny' }, by: 'deadline' },
    );
    expect(settled.pendingApprovals).toEqual([]);
  });

  it('forgets the turns from the one that is rewound to', () => {
    const second: EventMessage = { type: 'turn-started', turnId: 't2', origin: 'client' };
    expect(
      fold(started, completed, second, { type: 'rewound', beforeTurnId: 't2' }).turns.map((t) => t.turnId),
    ).toEqual(['t1']);
    expect(fold(started, completed, { type: 'rewound', beforeTurnId: 'unknown' }).turns).toHaveLength(1);
  });

  it('leaves nothing pending once the conversation is closed', () => {
    const state = fold(
      started,
      { type: 'approval-requested', approval },
      { type: 'closed', reason: 'lost', message: 'gone' },
    );
    expect(state).toMatchObject({
      status: 'closed',
      pendingApprovals: [],
      closed: { reason: 'lost', message: 'gone' },
    });
  });

  it('gives a goal and takes it away', () => {
    const goal = { objective: 'ship', status: 'active', tokensUsed: 0, secondsUsed: 0 } as const;
    expect(fold({ type: 'goal-updated', goal }).goal).toEqual(goal);
    expect(fold({ type: 'goal-updated', goal }, { type: 'goal-cleared' }).goal).toBeUndefined();
  });

  it('ignores what it has seen and refuses what leaves a gap', () => {
    const [first, second, third] = events(started, { type: 'warning', message: 'x' }, completed);
    if (!first || !second || !third) throw new Error('three events');
    const one = reduceConversation(initialConversationState, first);
    expect(reduceConversation(one, first)).toBe(one);
    expect(() => reduceConversation(one, third)).toThrow(ConversationProtocolError);
    expect(reduceConversation(one, second).notices).toHaveLength(1);
  });

  it('survives deltas that fit nothing', () => {
    const state = fold(
      { type: 'message-delta', turnId: 'never', itemId: 'i', text: 'x' },
      { type: 'command-output-delta', turnId: 'never', itemId: 'i', text: 'y' },
      { type: 'reasoning-delta', turnId: 'never', itemId: 'r', field: 'summary', part: 1e9, text: 'z' },
    );
    expect(state.turns[0]?.items).toMatchObject([
      { kind: 'agent-message', text: 'x' },
      { kind: 'reasoning', summary: ['z'] },
    ]);
  });

  it('keeps a bounded number of notices', () => {
    const many = Array.from(
      { length: 250 },
      (_, i): EventMessage => ({ type: 'warning', message: String(i) }),
    );
    expect(fold(...many).notices.map((n) => n.message)).toEqual(
      Array.from({ length: 100 }, (_, i) => String(150 + i)),
    );
  });

  it('never changes the state that it was given, and any split of the history folds to the same', () => {
    const turnId = fc.constantFrom('t1', 't2', 't3');
    const itemId = fc.constantFrom('i1', 'i2');
    const message: fc.Arbitrary<EventMessage> = fc.oneof(
      turnId.map((id): EventMessage => ({ type: 'turn-started', turnId: id, origin: 'client' })),
      turnId.map(
        (id): EventMessage => ({ type: 'turn-completed', turnId: id, outcome: { status: 'interrupted' } }),
      ),
      fc
        .tuple(turnId, itemId, fc.string())
        .map(([t, i, text]): EventMessage => ({ type: 'message-delta', turnId: t, itemId: i, text })),
      turnId.map((id): EventMessage => ({ type: 'rewound', beforeTurnId: id })),
      fc.constant<EventMessage>({ type: 'approval-requested', approval }),
    );
    fc.assert(
      fc.property(fc.array(message), fc.nat(), (messages, cut) => {
        const all = events(...messages);
        const frozen = all.reduce(
          (state, event) => deepFreeze(reduceConversation(state, event)),
          initialConversationState,
        );
        const at = all.length === 0 ? 0 : cut % all.length;
        const early = all.slice(0, at).reduce(reduceConversation, initialConversationState);
        const stored = all.slice(at).map((event) => parseEvent(JSON.parse(JSON.stringify(event))));
        expect(stored.reduce(reduceConversation, early)).toEqual(frozen);
      }),
    );
  });
});

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const child of Object.values(value)) deepFreeze(child);
  }
  return value;
}
