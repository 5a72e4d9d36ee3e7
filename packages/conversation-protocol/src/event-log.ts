import { ConversationProtocolError } from './conversation-protocol-error.ts';
import type { ConversationEvent, EventMessage } from './event.ts';

export interface ReadEventsOptions {
  /** The first event wanted. 1 by default: everything. */
  readonly fromSeq?: number;
  /** Ends the reading quietly. */
  readonly signal?: AbortSignal;
}

/** The whole history of one conversation, in memory. Every reader gets every event from wherever it starts, at its own pace. */
export interface EventLog {
  readonly lastSeq: number;
  readonly closed: boolean;
  append(msg: EventMessage, submissionId?: string): ConversationEvent;
  /** Ends after the last event once the log is closed. A slow reader holds nobody up. */
  read(options?: ReadEventsOptions): AsyncIterableIterator<ConversationEvent>;
  /** What is there from `fromSeq` on, without waiting. */
  since(fromSeq: number): readonly ConversationEvent[];
  /** Nothing more will come. */
  close(): void;
}

/**
 * @param history What earlier sessions of the conversation have logged; the log goes on behind it.
 * @throws {ConversationProtocolError} `gap` when the history does not count from 1.
 */
export function createEventLog(
  now: () => number = Date.now,
  history: readonly ConversationEvent[] = [],
): EventLog {
  const events: ConversationEvent[] = [...history];
  const misplaced = events.findIndex(({ seq }, index) => seq !== index + 1);
  if (misplaced !== -1) {
    throw new ConversationProtocolError(
      'gap',
      `The history of the conversation cannot be used: its event ${misplaced + 1} is missing.`,
    );
  }
  const waiting = new Set<() => void>();
  let closed = false;

  function wake(): void {
    if (waiting.size === 0) return;
    const readers = [...waiting];
    waiting.clear();
    for (const resume of readers) resume();
  }

  async function* read({
    fromSeq = 1,
    signal,
  }: ReadEventsOptions = {}): AsyncIterableIterator<ConversationEvent> {
    let next = Math.max(1, fromSeq) - 1;
    while (!signal?.aborted) {
      const event = events[next];
      if (event !== undefined) {
        next += 1;
        yield event;
      } else if (closed) {
        return;
      } else {
        await changed(signal);
      }
    }
  }

  function changed(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const resume = () => {
        signal?.removeEventListener('abort', stop);
        resolve();
      };
      const stop = () => {
        waiting.delete(resume);
        resolve();
      };
      waiting.add(resume);
      signal?.addEventListener('abort', stop, { once: true });
    });
  }

  return {
    get lastSeq() {
      return events.length;
    },
    get closed() {
      return closed;
    },
    append(msg, submissionId) {
      if (closed) throw new TypeError('The event log is closed: nothing may be appended to it.');
      const event: ConversationEvent = {
        seq: events.length + 1,
        at: now(),
        ...(submissionId === undefined ? {} : { id: submissionId }),
        msg,
      };
      events.push(event);
      wake();
      return event;
    },
    read,
    since: (fromSeq) => events.slice(Math.max(1, fromSeq) - 1),
    close() {
      closed = true;
      wake();
    },
  };
}
