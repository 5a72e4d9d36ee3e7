import { randomUUID } from 'node:crypto';
import type { ConversationEvent } from '@seedbed/conversation-protocol';
import type { Host, HostPath, ProcessExit } from '@seedbed/host';
import type { SeedLease } from '@seedbed/seeds';
import type { EndState, SavedSnapshot } from '@seedbed/snapshots';
import { AgentCodexError } from '../agent-codex-error.ts';
import type { OpenedCodexConversation } from '../open-codex-conversation.ts';
import { EVENTS_RECORD, encodeEvents } from './event-record.ts';
import { createSerialSaves } from './serial-saves.ts';
import { followQuota } from './session-quota.ts';
import type { SessionLogin } from './session-seed.ts';
import type { ResumeReport, SessionSnapshots } from './session-snapshots.ts';
import { CODEX_SNAPSHOT_REQUIRED } from './snapshot-exclude.ts';
import { asJson, factsAsJson, type TaskFacts } from './task-facts.ts';
import { writeTaskMark } from './task-mark.ts';
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

export interface SessionParts {
  readonly host: Host;
  readonly workdir: HostPath;
  readonly task: string;
  readonly conversation: OpenedCodexConversation;
  readonly login: SessionLogin | undefined;
  readonly snapshots: SessionSnapshots | undefined;
  readonly exclude: readonly string[];
  readonly resumed: ResumeReport | undefined;
  readonly factsBase: { readonly sandbox: unknown; readonly briefDigest?: string };
  /** The newest that has touched the thread. */
  readonly codexVersion: string;
  /** The number of the snapshot that the workdir comes from; 0 where there is none. */
  readonly follows: number;
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
  const saves = createSerialSaves(async (endState) => {
    const signal = endState === 'checkpoint' ? undefined : AbortSignal.timeout(lastSaveMs);
    const saved = await saveTask(parts, { endState, turnsBefore, follows, signal });
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
    const quiet = quota?.[Symbol.asyncDispose]();
    await step('save-back', async () => await login?.[Symbol.asyncDispose]());
    await quiet;
    await step('snapshot', async () => await checkpoints?.[Symbol.asyncDispose]());
    const snapshot = snapshots && (await step('snapshot', () => saves.save(state)));
    if (snapshot !== undefined) await step('snapshot', async () => snapshots?.onSaved?.(snapshot));
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

/** What a listener of the caller's does wrong is neither a failure of the save nor of the session. */
function tell(listen: () => void): void {
  try {
    listen();
  } catch {}
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

/** What there is now. Taken before the files are read, so that the log never tells of a turn that is not in the files. */
function eventsSoFar(conversation: OpenedCodexConversation): AsyncIterable<ConversationEvent> {
  const { lastSeq } = conversation.state();
  return (async function* () {
    if (lastSeq === 0) return;
    for await (const event of conversation.events()) {
      yield event;
      if (event.seq >= lastSeq) return;
    }
  })();
}

async function saveTask(
  parts: SessionParts,
  {
    endState,
    turnsBefore,
    follows,
    signal,
  }: {
    readonly endState: EndState;
    readonly turnsBefore: number;
    readonly follows: { readonly number: number; readonly writer: string };
    readonly signal: AbortSignal | undefined;
  },
): Promise<SavedSnapshot> {
  const { host, workdir, task, snapshots, exclude, conversation } = parts;
  if (snapshots === undefined)
    throw new AgentCodexError('unsupported', 'The session has no store of snapshots.');
  const saved = await snapshots.store.save(host, workdir, {
    ...{ task, endState, exclude, follows, required: CODEX_SNAPSHOT_REQUIRED },
    regenerableFile: 'regenerable.txt',
    facts: factsAsJson(factsOf(parts, turnsBefore)),
    records: { [EVENTS_RECORD]: encodeEvents(eventsSoFar(conversation)) },
    ...(snapshots.labels === undefined ? {} : { labels: snapshots.labels }),
    ...(snapshots.keep === undefined ? {} : { keep: snapshots.keep }),
    ...(snapshots.maxBytes === undefined ? {} : { maxBytes: snapshots.maxBytes }),
    ...(snapshots.onSaveProgress === undefined ? {} : { onProgress: snapshots.onSaveProgress }),
    ...(signal && { signal }),
  });
  const { saveId } = saved.snapshot;
  // The snapshot counts without it: then the next session restores it rather than keep what is there.
  await writeTaskMark(host, workdir, { task, saveId, codexVersion: parts.codexVersion }).catch(
    () => undefined,
  );
  return saved;
}

function factsOf(
  { conversation, factsBase, codexVersion, resumed }: SessionParts,
  turnsBefore: number,
): TaskFacts {
  const { turns, controls } = conversation.state();
  const hasTurns = resumed?.thread === 'resumed' || turns.length > turnsBefore;
  const { model, effort } = controls;
  return {
    agent: 'codex',
    codexVersion,
    sandbox: asJson(factsBase.sandbox),
    ...(factsBase.briefDigest === undefined ? {} : { briefDigest: factsBase.briefDigest }),
    // Before its first turn Codex keeps nothing of a thread.
    ...(hasTurns ? { threadId: conversation.threadId } : {}),
    ...(model === undefined ? {} : { model }),
    ...(effort === undefined ? {} : { effort }),
  };
}
