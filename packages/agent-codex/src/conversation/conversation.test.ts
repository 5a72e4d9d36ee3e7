import { createEventLog, type EventLog } from '@seedbed/conversation-protocol';
import { expect, it } from 'vitest';
import { createConversation } from './conversation.ts';
import { defaultDeadlines } from './deadlines.ts';
import type { SessionContext } from './session-context.ts';

/** A turn that is over, and a command of it that is not. */
function logOutlivedTurn(log: EventLog): void {
  const turnId = 'turn-1';
  const output = { command: 'sleep 1h', cwd: '/work', output: '' };
  log.append({ type: 'turn-started', turnId, origin: 'client' });
  log.append({
    ...{ type: 'item-started', turnId },
    item: { kind: 'command', itemId: 'item-1', status: 'in-progress', ...output },
  });
  log.append({ type: 'turn-completed', turnId, outcome: { status: 'completed' } });
}

/** Of a Codex that ends when it is asked to. Tells who has read the log. */
function openConversation(log: EventLog) {
  let reads = 0;
  const watched: EventLog = {
    ...log,
    get lastSeq() {
      return log.lastSeq;
    },
    read(options) {
      reads += 1;
      // Nothing comes any more.
      log.close();
      return log.read(options);
    },
  };
  const desk = { [Symbol.dispose]: () => undefined };
  const context = {
    ...{ approvals: desk, questions: desk, turns: { running: undefined }, deadlines: defaultDeadlines },
    ...{ server: { end: async () => ({ kind: 'exited', code: 0 }) }, finished: Promise.resolve() },
  };
  const conversation = createConversation(
    context as Partial<Record<keyof SessionContext, unknown>> as SessionContext,
    watched,
  );
  return { conversation, reads: () => reads };
}

it('waits at its end for a command that has outlived its turn', async () => {
  const log = createEventLog();
  const { conversation, reads } = openConversation(log);
  logOutlivedTurn(log);
  await conversation.end();
  expect(reads()).toBe(1);
});

it('waits for none of an earlier session, with which it was ended', async () => {
  const earlier = createEventLog();
  logOutlivedTurn(earlier);
  const { conversation, reads } = openConversation(createEventLog(Date.now, earlier.since(1)));
  await conversation.end();
  expect(reads()).toBe(0);
});
