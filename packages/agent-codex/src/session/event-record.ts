import { type ConversationEvent, parseEvent } from '@seedbed/conversation-protocol';

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

/** @throws {ConversationProtocolError} `invalid-event` for lines that no version has written. */
export async function decodeEvents(bytes: AsyncIterable<Uint8Array>): Promise<readonly ConversationEvent[]> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const events: ConversationEvent[] = [];
  let rest = '';
  for await (const piece of bytes) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) events.push(parseEvent(JSON.parse(line)));
  }
  return events;
}
