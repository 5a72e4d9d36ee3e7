import { type ConversationEvent, parseEvent } from '@seedbed/conversation-protocol';
import { AgentCodexError } from '../agent-codex-error.ts';

/** The name under which a snapshot keeps the conversation's events. */
export const EVENTS_RECORD = 'events';

const BATCH_CHARACTERS = 64 * 1024;

/** Events as lines of JSON. A longer log begins with the bytes of a shorter one. */
export async function* encodeEvents(
  events: AsyncIterable<ConversationEvent>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const encoder = new TextEncoder();
  let batch = '';
  for await (const event of events) {
    batch += `${JSON.stringify(event)}\n`;
    if (batch.length < BATCH_CHARACTERS) continue;
    yield encoder.encode(batch);
    batch = '';
  }
  yield encoder.encode(batch);
}

/** @throws {AgentCodexError} `invalid-snapshot` for what this version cannot read, or a log that is cut short. */
export async function decodeEvents(bytes: AsyncIterable<Uint8Array>): Promise<readonly ConversationEvent[]> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const events: ConversationEvent[] = [];
  let rest = '';
  for await (const piece of bytes) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) events.push(eventOf(line));
  }
  if (rest !== '') throw unreadable('it is cut short');
  return events;
}

function eventOf(line: string): ConversationEvent {
  try {
    return parseEvent(JSON.parse(line));
  } catch (cause) {
    throw unreadable('a line of it is no event that this version knows', cause);
  }
}

function unreadable(why: string, cause?: unknown): AgentCodexError {
  return new AgentCodexError(
    'invalid-snapshot',
    `The conversation in the snapshot cannot be read: ${why}. A newer version of this program may have written it.`,
    { cause },
  );
}
