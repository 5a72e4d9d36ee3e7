import { randomUUID } from 'node:crypto';
import type { ProcessExit } from '@seedbed/host';
import type { SeedLease } from '@seedbed/seeds';
import type { EndState, SavedSnapshot } from '@seedbed/snapshots';
import { AgentCodexError } from '../agent-codex-error.ts';
import type { OpenedCodexConversation } from '../open-codex-conversation.ts';
import { timerMs } from '../timer-ms.ts';
import { type EventJournal, keepJournal } from './event-journal.ts';
import { factsOf, saveTask } from './save-task.ts';
import { createSerialSaves } from './serial-saves.ts';
import type { SessionParts } from './session-parts.ts';
import { followQuota } from './session-quota.ts';
import type { ResumeReport } from './session-snapshots.ts';
import { createSizeLimitNotices } from './size-limit.ts';
import { factsAsJson } from './task-facts.ts';
import { followTurns } from './turn-checkpoints.ts';

/** A step of a session's end that failed. The others were done all the same. */
export interface EndFailure {
  readonly step: 'agent' | 'save-back' | 'snapshot';
  readonly error: unknown;
}

/** How a session ended: a value, whatever failed. */
export interface SessionEnd {
  readonly state: Exclude<EndState, 'checkpoint'>;
  readonly exit?: ProcessExit;
  /** The last snapshot, where there is a store and it could be made. */
  readonly snapshot?: SavedSnapshot;
  readonly failures: readonly EndFailure[];
  /** What went before, where it was not asked to end: the `SeedError` `lease-lost` of its login, or an `AgentCodexError` `agent-lost`. */
  readonly cause?: unknown;
}

/** One life of a task. Disposal ends it as `cancelled`. */
export interface CodexSession extends AsyncDisposable {
  readonly task: string;
  readonly conversation: OpenedCodexConversation;
  /** What it goes on from; `undefined` for a task that has begun with it. */
  readonly resumed: ResumeReport | undefined;
  /** Of the login, where one was leased. */
  readonly lease: SeedLease | undefined;
  /** Saves the task now, and tells whether it could. @throws {SnapshotError} @throws {AgentCodexError} `unsupported` without a store, `closed`. */
  snapshot(): Promise<SavedSnapshot>;
  /**
   * Ends Codex, saves the login back and frees it, and saves the task: each of it whatever becomes of the others. `done` by default.
   * Asked again it gives the first end.
   */
  end(options?: { readonly state?: SessionEnd['state'] }): Promise<SessionEnd>;
  /** Resolves when the session has ended, also by itself: as `failed` when Codex is lost, or the login. Never rejects. */
  readonly ended: Promise<SessionEnd>;
}

const DEFAULT_QUIET_MS = 500;
const DEFAULT_LAST_SAVE_MS = 30 * 60_000;

export function createSession(parts: SessionParts): CodexSession {
  const { task, conversation, login, snapshots, resumed } = parts;
  const lease = login?.lease;
  const turnsBefore = conversation.state().turns.length;
  const lastSaveMs = snapshots?.lastSaveMs ?? DEFAULT_LAST_SAVE_MS;
  let follows = { number: parts.follows, writer: randomUUID() };
  const over = Promise.withResolvers<SessionEnd>();
  const journal = openJournal(parts, turnsBefore);
  const sizeLimit = createSizeLimitNotices(parts.host, parts.workdir, conversation);
  const saves = createSerialSaves(async (endState) => {
    // Also after a turn: an agent can put a pipe where a file was, and keep whoever reads it on a host far away.
    const signal = AbortSignal.timeout(timerMs(lastSaveMs));
    const { lastSeq } = conversation.state();
    const saved = await saveTask(parts, { endState, turnsBefore, follows, lastSeq, signal }).catch(
      async (failure: unknown) => {
        if (endState === 'checkpoint') await sizeLimit.failed(failure);
        throw failure;
      },
    );
    sizeLimit.saved();
    journal?.saved(lastSeq);
    follows = { ...follows, number: saved.snapshot.number };
    return saved;
  });
  let ending: Promise<SessionEnd> | undefined;

  const checkpoint = async (): Promise<void> => {
    try {
      const saved = await saves.save('checkpoint');
      tell(() => snapshots?.onSaved?.(saved));
    } catch (failure) {
      tell(() => snapshots?.onSaveFailed?.(failure));
    }
  };
  const isFollowed = snapshots !== undefined && snapshots.afterTurns !== false;
  const checkpoints = isFollowed
    ? followTurns(
        ({ signal }) => conversation.events({ fromSeq: conversation.state().lastSeq + 1, signal }),
        {
          quietMs: snapshots.quietMs ?? DEFAULT_QUIET_MS,
          save: checkpoint,
        },
      )
    : undefined;
  const quota = lease && followQuota(conversation, { record: (noted) => lease.recordQuota(noted) });

  const end: CodexSession['end'] = ({ state = 'done' } = {}) => {
    ending ??= tearDown(state);
    return ending;
  };

  /** In the order that loses nothing: who writes ends first, then what it wrote is saved. */
  async function tearDown(state: SessionEnd['state']): Promise<SessionEnd> {
    const failures: EndFailure[] = [];
    const step = async <T>(name: EndFailure['step'], work: () => Promise<T>): Promise<T | undefined> => {
      try {
        return await work();
      } catch (error) {
        failures.push({ step: name, error });
        return undefined;
      }
    };
    const exit = await step('agent', () => conversation.end());
    const noted = journal?.[Symbol.asyncDispose]();
    const quiet = quota?.[Symbol.asyncDispose]();
    await step('save-back', async () => await login?.[Symbol.asyncDispose]());
    await quiet;
    await noted;
    await step('snapshot', async () => await checkpoints?.[Symbol.asyncDispose]());
    const snapshot = snapshots && (await step('snapshot', () => saves.save(state)));
    if (snapshot !== undefined) tell(() => snapshots?.onSaved?.(snapshot));
    const cause = lease?.signal.aborted ? lease.signal.reason : lostAgent(conversation);
    return {
      state,
      failures,
      ...(cause === undefined ? {} : { cause }),
      ...(exit === undefined ? {} : { exit }),
      ...(snapshot === undefined ? {} : { snapshot }),
    };
  }

  const onLost = (): void => void end({ state: 'failed' });
  if (lease?.signal.aborted) onLost();
  else lease?.signal.addEventListener('abort', onLost, { once: true });
  void followEnd(conversation, () => end({ state: 'failed' })).then(over.resolve);

  return {
    task,
    conversation,
    resumed,
    lease,
    ended: over.promise,
    end,
    async snapshot() {
      if (snapshots === undefined)
        throw new AgentCodexError('unsupported', 'The session has no store of snapshots: pass snapshots.');
      if (ending !== undefined) throw new AgentCodexError('closed', 'The session has ended.');
      return await saves.save('checkpoint');
    },
    [Symbol.asyncDispose]: async () => void (await end({ state: 'cancelled' })),
  };
}

function openJournal(parts: SessionParts, turnsBefore: number): EventJournal | undefined {
  const { host, workdir, conversation, journal } = parts;
  if (journal === undefined) return undefined;
  return keepJournal(host, workdir, {
    ...journal,
    facts: factsAsJson(factsOf(parts, turnsBefore)),
    lastSeq: () => conversation.state().lastSeq,
    events: (options) => conversation.events(options),
  });
}

/** What a listener of the caller's does wrong, or later, is neither a failure of the save nor of the session; nor is it waited for. */
function tell(listen: () => unknown): void {
  void Promise.try(listen).catch(() => undefined);
}

function lostAgent(conversation: OpenedCodexConversation): AgentCodexError | undefined {
  const { closed } = conversation.state();
  if (closed?.reason !== 'lost') return undefined;
  return new AgentCodexError('agent-lost', closed.message ?? 'Codex has ended by itself.');
}

/** Codex may be lost at any time; whoever ends the session closes the conversation too, and has ended it by then. */
async function followEnd(
  conversation: OpenedCodexConversation,
  end: () => Promise<SessionEnd>,
): Promise<SessionEnd> {
  let last = conversation.state().lastSeq;
  for await (const { seq } of conversation.events({ fromSeq: last + 1 })) last = seq;
  return await end();
}
