import {
  createEventLog,
  type Item,
  initialConversationState,
  parseEvent,
  reduceConversation,
} from '@seedbed/conversation-protocol';
import { describe, expect, it } from 'vitest';
import { supportedVersions } from '../../test/codex-binaries.ts';
import { readRecording } from '../../test/recorded-session.ts';
import { createSessionEvents } from './session-events.ts';
import { createTurnTracker } from './turn-tracker.ts';

/** Reads a recording as a running session would, and gives every event as it would be stored. */
async function replay(version: (typeof supportedVersions)[number]) {
  const log = createEventLog();
  const turns = createTurnTracker((msg) => log.append(msg));
  const asked: string[] = [];
  const events = createSessionEvents(() => undefined, {
    turns,
    append: (msg) => log.append(msg),
    requestResolved: () => undefined,
  });
  for (const { id, method, params } of await readRecording(version)) {
    if (method === undefined) continue;
    if (id === undefined) events.receive(method, params);
    else asked.push(method);
  }
  return { asked, events: log.since(1).map((event) => parseEvent(JSON.parse(JSON.stringify(event)))) };
}

describe.each(supportedVersions)('a recorded session of Codex %s', (version) => {
  it('folds into what a person should have seen', async () => {
    const { asked, events } = await replay(version);
    const state = events.reduce(reduceConversation, initialConversationState);
    expect(asked).toEqual(['item/commandExecution/requestApproval']);
    expect(state.turns.map((turn) => turn.outcome)).toMatchObject([
      { status: 'completed' },
      { status: 'failed', failure: { code: 'context-window' } },
    ]);
    const items = state.turns[0]?.items ?? [];
    expect(new Set(items.map((item) => item.kind))).toEqual(
      new Set(['user-message', 'reasoning', 'agent-message', 'command', 'file-change']),
    );
    expect(items.every((item) => item.status !== 'in-progress')).toBe(true);
    const messages = items.filter(
      (item): item is Extract<Item, { kind: 'agent-message' }> => item.kind === 'agent-message',
    );
    expect(messages.map((item) => item.text)).toEqual(['I run the test.', 'Mended — ünïcödé 🌱.']);
    expect(state.turns[0]?.plan?.steps).toHaveLength(2);
    expect(state.turns[0]?.diff).toContain('+hello');
  });

  it('says in its deltas what it says in the end', async () => {
    const { events } = await replay(version);
    const said = new Map<string, string>();
    for (const { msg } of events) {
      if (msg.type === 'message-delta') said.set(msg.itemId, (said.get(msg.itemId) ?? '') + msg.text);
      if (msg.type === 'item-completed' && msg.item.kind === 'agent-message') {
        expect(said.get(msg.item.itemId)).toBe(msg.item.text);
      }
    }
    expect(said.size).toBe(2);
  });
});
