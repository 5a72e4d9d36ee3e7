import { describe, expect, it } from 'vitest';
import {
  createEventLog,
  type EventLog,
  endsOfLostSession,
  initialConversationState,
  reduceConversation,
} from './index.ts';

const stateOf = (log: EventLog) => log.since(1).reduce(reduceConversation, initialConversationState);

function cutOff(): EventLog {
  const log = createEventLog(() => 1);
  log.append({
    ...{ type: 'session-configured', threadId: 't', agent: 'codex 1.0.0', cwd: '/w' },
    ...{ controls: {}, resumed: false },
  });
  log.append({ type: 'turn-started', turnId: 'turn', origin: 'client' });
  log.append({
    type: 'approval-requested',
    approval: {
      ...{ approvalId: 'a', turnId: 'turn', answers: ['approve', 'deny'], expiresAt: 5 },
      subject: { type: 'command', command: 'ls', cwd: '/w' },
    },
  });
  return log;
}

describe('a session that was cut off', () => {
  it('is brought to its end: nothing is pending, no turn runs, it is closed', () => {
    const log = cutOff();
    for (const msg of endsOfLostSession(stateOf(log))) log.append(msg);
    expect(stateOf(log)).toMatchObject({
      status: 'closed',
      closed: { reason: 'lost' },
      pendingApprovals: [],
      turns: [{ outcome: { status: 'failed', failure: { code: 'agent-lost' } } }],
    });
    expect(endsOfLostSession(stateOf(log))).toEqual([]);
  });

  it('is followed by one that is not closed', () => {
    const log = cutOff();
    for (const msg of endsOfLostSession(stateOf(log))) log.append(msg);
    log.append({
      ...{ type: 'session-configured', threadId: 't', agent: 'codex 1.0.0', cwd: '/w' },
      ...{ controls: {}, resumed: true },
    });
    expect(stateOf(log)).toMatchObject({ status: 'idle', resumed: true, closed: undefined, turns: [{}] });
  });

  it('has nothing to say of a log without an event', () => {
    expect(endsOfLostSession(initialConversationState)).toEqual([]);
  });
});
