import {
  createEventLog,
  initialConversationState,
  parseEvent,
  reduceConversation,
} from '@seedbed/conversation-protocol';

const log = createEventLog();
log.append({ type: 'turn-started', turnId: 't1', origin: 'client' });
const item = { kind: 'agent-message', itemId: 'm1', status: 'completed', text: 'Hello.' } as const;
log.append({ type: 'item-completed', turnId: 't1', item });
log.append({ type: 'turn-completed', turnId: 't1', outcome: { status: 'completed' } });

// What a viewer does with the lines that it is sent.
const lines = log.since(1).map((event) => JSON.stringify(event));
const state = lines
  .map((line) => parseEvent(JSON.parse(line)))
  .reduce(reduceConversation, initialConversationState);
console.log(state.status, state.turns[0]?.items);
