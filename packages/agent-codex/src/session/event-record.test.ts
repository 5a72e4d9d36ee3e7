import { type ConversationEvent, createEventLog } from '@seedbed/conversation-protocol';
import { describe, expect, it } from 'vitest';
import { decodeEvents, encodeEvents } from './event-record.ts';

async function* inPieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function recorded(): Promise<readonly [readonly ConversationEvent[], string]> {
  const log = createEventLog();
  for (const message of ['Grüße', '🌱', 'a\nb']) log.append({ type: 'warning', message });
  log.append({ type: 'closed', reason: 'requested' });
  log.close();
  const events = await Array.fromAsync(log.read());
  let text = '';
  for await (const piece of encodeEvents(log.read())) text += new TextDecoder().decode(piece);
  return [events, text];
}

describe('the record of a conversation', () => {
  it.each([1, 5, 10_000])('comes back as it was, in pieces of %i bytes', async (size) => {
    const [events, text] = await recorded();
    expect(events).toHaveLength(4);
    expect(await decodeEvents(inPieces(text, size))).toEqual(events);
  });

  it.each(['no JSON\n', '{"seq":"x"}\n', '{"seq":1'])('says so when it holds %j', async (rest) => {
    const [, text] = await recorded();
    await expect(decodeEvents(inPieces(text + rest, 100))).rejects.toMatchObject({
      name: 'AgentCodexError',
      code: 'invalid-snapshot',
    });
  });
});
