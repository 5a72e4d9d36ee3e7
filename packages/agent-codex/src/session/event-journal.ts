import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { ConversationEvent } from '@seedbed/conversation-protocol';
import { type Host, type HostPath, joinHostPath } from '@seedbed/host';
import type { Json } from '@seedbed/snapshots';
import { AgentCodexError } from '../agent-codex-error.ts';
import { taskPaths } from '../task-home/task-paths.ts';
import { encodeEvents } from './event-record.ts';

/** Beside Codex's rollouts, and as far out of reach of the agent's commands as they are. */
const JOURNAL_NAME = 'seedbed-events.jsonl';

/** What names a journal in the mark of its workdir; one that lies there and has another is of another past. */
export type JournalId = string;

export interface EventJournal extends AsyncDisposable {
  /** A snapshot holds all up to this event: the journal need not. */
  saved(lastSeq: number): void;
}

export interface JournalOptions {
  readonly id: JournalId;
  /** What a session that goes on without any snapshot has to know. */
  readonly facts: Json;
  /** The last event that a snapshot holds. */
  readonly savedSeq: number;
  /** How long disposal waits, in milliseconds. 10 seconds by default. */
  readonly endMs?: number;
  /** Of the last event that there is. */
  readonly lastSeq: () => number;
  readonly events: (options: {
    readonly fromSeq: number;
    readonly signal: AbortSignal;
  }) => AsyncIterable<ConversationEvent>;
}

export function createJournalId(): JournalId {
  return randomUUID();
}

export function journalPath(workdir: HostPath): HostPath {
  return joinHostPath(taskPaths(workdir).codexHome, JOURNAL_NAME);
}

/** Its first line. */
export function journalHeader(id: JournalId, facts: Json): string {
  return `${JSON.stringify({ journal: id, facts })}\n`;
}

/** A journal of which a snapshot holds so much, in bytes, is begun anew. */
const TRIMMED_BYTES = 8 * 1024 * 1024;
const RETRY_MS = 1_000;
const MAX_WAITING_CHARACTERS = 1024 * 1024;
const DEFAULT_END_MS = 10_000;

/**
 * Writes events down on the host as they happen, so that what no snapshot holds yet outlives this program and Codex. A host that fails, or is not there for a while,
 * is tried again: then it is all written anew. Disposal waits, for a time, until what has happened is written.
 */
export function keepJournal(host: Host, workdir: HostPath, options: JournalOptions): EventJournal {
  const { endMs = DEFAULT_END_MS } = options;
  const stop = new AbortController();
  // Where the host is gone for good there is nothing to wait for.
  const over = AbortSignal.any([stop.signal, host.signal]);
  let { savedSeq } = options;
  let trim = new AbortController();
  let writtenBytes = 0;

  /** Ends when there are no more events, when it is stopped, or when it is to be begun anew. */
  async function keep(): Promise<'over' | 'anew'> {
    trim = new AbortController();
    const upTo = options.lastSeq();
    await host.writeFile(journalPath(workdir), ReadableStream.from(written(upTo)), { mode: 0o600 });
    await using appending = await openAppending(host, journalPath(workdir));
    const signal = AbortSignal.any([over, trim.signal, appending.broken]);
    for await (const event of options.events({ fromSeq: upTo + 1, signal })) {
      const line = `${JSON.stringify(event)}\n`;
      writtenBytes += line.length;
      await appending.append(line);
    }
    await appending.end();
    return trim.signal.aborted && !stop.signal.aborted ? 'anew' : 'over';
  }

  async function* written(upTo: number): AsyncGenerator<Uint8Array> {
    yield new TextEncoder().encode(journalHeader(options.id, options.facts));
    writtenBytes = 0;
    const events = options.events({ fromSeq: savedSeq + 1, signal: over });
    for await (const bytes of encodeEvents(until(events, { from: savedSeq + 1, upTo }))) {
      writtenBytes += bytes.length;
      yield bytes;
    }
  }

  const keeping = (async () => {
    while (!over.aborted) {
      const ended = await keep().catch(() => 'failed' as const);
      if (ended === 'over') return;
      if (ended === 'failed')
        await delay(RETRY_MS, undefined, { ref: false, signal: over }).catch(() => undefined);
    }
  })();

  return {
    saved(lastSeq) {
      savedSeq = Math.max(savedSeq, lastSeq);
      if (writtenBytes > TRIMMED_BYTES) trim.abort();
    },
    async [Symbol.asyncDispose]() {
      const patience = new AbortController();
      const given = AbortSignal.any([patience.signal, host.signal]);
      const wait = (): Promise<unknown> =>
        Promise.race([keeping, delay(endMs, undefined, { signal: given }).catch(() => undefined)]);
      try {
        await wait();
        stop.abort();
        await wait();
      } finally {
        patience.abort();
      }
    },
  };
}

async function* until(
  events: AsyncIterable<ConversationEvent>,
  { from, upTo }: { readonly from: number; readonly upTo: number },
): AsyncGenerator<ConversationEvent> {
  if (from > upTo) return;
  for await (const event of events) {
    yield event;
    if (event.seq >= upTo) return;
  }
  // It was stopped: a part must not take the place of what there is.
  throw new AgentCodexError('aborted', 'The journal was stopped while it was written anew.');
}

interface Appending extends AsyncDisposable {
  /** Aborts when nothing more can be appended. */
  readonly broken: AbortSignal;
  /** Resolves when there is room for more. What comes together is written together. */
  append(text: string): Promise<void>;
  /** Everything is written. */
  end(): Promise<void>;
}

async function openAppending(host: Host, path: HostPath): Promise<Appending> {
  const process = await host.spawn({ argv: ['sh', '-c', 'exec cat >>"$0"', path] });
  const writer = process.stdin.getWriter();
  const encoder = new TextEncoder();
  const broken = new AbortController();
  void process.exit.then(() => broken.abort());
  let waiting = '';
  let sending: Promise<void> = Promise.resolve();
  const send = (): void => {
    const text = waiting;
    if (text === '') return;
    waiting = '';
    sending = sending.then(() => writer.write(encoder.encode(text)));
    sending.catch(() => undefined);
  };
  return {
    broken: broken.signal,
    async append(text) {
      if (waiting === '') setImmediate(send);
      waiting += text;
      if (waiting.length > MAX_WAITING_CHARACTERS) {
        await new Promise((resolve) => setImmediate(resolve));
        await sending;
      }
    },
    async end() {
      send();
      await sending;
      await writer.close();
      const exit = await process.closed;
      if (exit.kind === 'exited' && exit.code === 0) return;
      throw new AgentCodexError('agent-error', `${path} could not be written.`);
    },
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}
