import { type ConversationEvent, parseEvent } from '@seedbed/conversation-protocol';
import type { Host, HostPath } from '@seedbed/host';
import { z } from 'zod';
import { type JournalId, journalPath } from './event-journal.ts';
import { isNoSuchFile } from './no-such-file.ts';

/** More is no journal of what happened since a snapshot. */
const MAX_LINE_CHARACTERS = 64 * 1024 * 1024;

export interface ReadJournal {
  readonly events: readonly ConversationEvent[];
  /** As the session that kept it has written them; unchecked. */
  readonly facts: unknown;
}

const headerSchema = z.looseObject({ journal: z.string(), facts: z.unknown() });

/**
 * What happened behind `savedSeq`, as far as it was written down without a gap. Nothing where there is no journal, or another one: what lies there is worth having and
 * not needed, so that nothing of it holds up a resume.
 * @throws {HostError} when the host fails: a part of it would be taken for the whole, and the journal begun anew with that.
 */
export async function readJournal(
  host: Host,
  workdir: HostPath,
  { id, savedSeq }: { readonly id: JournalId; readonly savedSeq: number },
): Promise<ReadJournal> {
  const events: ConversationEvent[] = [];
  let facts: unknown;
  try {
    const path = await host.canonicalize(journalPath(workdir), { within: workdir });
    let isFirst = true;
    for await (const line of linesOf(await host.readFile(path))) {
      if (isFirst) {
        const header = headerSchema.safeParse(jsonOf(line));
        if (header.data?.journal !== id) return { events: [], facts: undefined };
        facts = header.data.facts;
        isFirst = false;
        continue;
      }
      const event = eventOf(line);
      // What was written twice is taken once; what is damaged ends nothing, unless it is missing.
      if (event?.seq === savedSeq + events.length + 1) events.push(event);
    }
  } catch (failure) {
    if (!isNoSuchFile(failure)) throw failure;
  }
  return { events, facts };
}

function eventOf(line: string): ConversationEvent | undefined {
  try {
    return parseEvent(JSON.parse(line));
  } catch {
    return undefined;
  }
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Whole lines alone: the last thing that a killed program has written may be a part of one. */
async function* linesOf(bytes: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let begun: string[] = [];
  let length = 0;
  for await (const piece of bytes) {
    const [first = '', ...others] = decoder.decode(piece, { stream: true }).split('\n');
    begun.push(first);
    length += first.length;
    if (length > MAX_LINE_CHARACTERS) return;
    const last = others.pop();
    if (last === undefined) continue;
    yield begun.join('');
    yield* others;
    begun = [last];
    length = last.length;
  }
}
