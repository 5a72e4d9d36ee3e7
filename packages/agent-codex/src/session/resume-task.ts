import {
  type ConversationEvent,
  initialConversationState,
  reduceConversation,
} from '@seedbed/conversation-protocol';
import type { Host, HostPath } from '@seedbed/host';
import { equalPolicies, parseSandboxPolicy } from '@seedbed/sandbox-policy';
import { type LeftOut, settleRestore } from '@seedbed/snapshots';
import { AgentCodexError } from '../agent-codex-error.ts';
import { compareCodexVersions } from '../codex-version.ts';
import type { CodexTaskConfig } from '../task-config.ts';
import type { JournalId } from './event-journal.ts';
import { decodeEvents, EVENTS_RECORD } from './event-record.ts';
import { readJournal } from './read-journal.ts';
import type { ResumeDifference, SessionSnapshots } from './session-snapshots.ts';
import { factsIn, parseTaskFacts, type TaskFacts } from './task-facts.ts';
import { readTaskMark, type TaskMark, writeTaskMark } from './task-mark.ts';

/** What a session begins with. */
export interface BroughtBack {
  /** The number of the snapshot that the workdir follows; 0 where there is none. */
  readonly follows: number;
  /** `undefined` for a task that begins. */
  readonly saved: SavedTask | undefined;
}

/** A snapshot, or what a host has kept of a task that was cut off before it had one: then the number is 0, and it has no `saveId`. */
export interface GoesOnFrom {
  readonly number: number;
  readonly createdMs: number;
  readonly saveId?: string;
  readonly leftOut: readonly LeftOut[];
}

/** What there is of a task before this session. */
export interface SavedTask {
  readonly from: GoesOnFrom;
  readonly facts: TaskFacts;
  readonly history: readonly ConversationEvent[];
  /** How many of these events the snapshot holds. */
  readonly savedSeq: number;
  /** The journal that holds the others, where there is one. */
  readonly journal: JournalId | undefined;
  readonly workdir: 'restored' | 'kept';
}

export interface ResumeOptions {
  readonly task: string;
  readonly snapshots: SessionSnapshots;
  readonly signal: AbortSignal | undefined;
}

/**
 * Brings a task's files back, unless the host still has them, and what is known of it.
 * @throws {AgentCodexError} `not-saved`, `invalid-snapshot`, `invalid-config` for a workdir that is another task's. @throws {SnapshotError} what a restore fails with: never a silent fresh start.
 */
export async function bringBack(
  host: Host,
  workdir: HostPath,
  { task, snapshots, signal }: ResumeOptions,
): Promise<BroughtBack> {
  const { store, resume = 'if-saved' } = snapshots;
  const waiting = signal && { signal };
  await settleRestore(host, workdir, waiting);
  const [rows, mark] = await Promise.all([store.list(task, waiting), readTaskMark(host, workdir)]);
  if (mark !== undefined && mark.task !== task) refuseOthersWorkdir(workdir, mark.task);
  const row = rows.at(-1);
  if (resume === 'never') return { follows: row?.number ?? 0, saved: undefined };
  if (row === undefined) {
    const cutOff = await cutOffTask(host, workdir, mark);
    if (cutOff !== undefined) return { follows: 0, saved: cutOff };
    if (resume === 'if-saved') return { follows: 0, saved: undefined };
    throw new AgentCodexError('not-saved', `There is no snapshot of ${JSON.stringify(task)} to go on from.`);
  }
  const ref = { task, number: row.number };
  const isThere = mark?.saveId === row.saveId;
  const onProgress = snapshots.onRestoreProgress;
  const restoring = { ...ref, ...(onProgress && { onProgress }), ...waiting };
  const shown = await store.show(ref, waiting);
  // Before anything changes: a snapshot that nobody can go on from is not restored.
  const facts = parseTaskFacts(shown, task);
  const hasEvents = shown.records.some(({ name }) => name === EVENTS_RECORD);
  const recorded = hasEvents ? await decodeEvents(await store.openRecord(ref, EVENTS_RECORD, waiting)) : [];
  if (!isThere) {
    await store.restore(host, workdir, restoring);
    await writeTaskMark(host, workdir, { task, saveId: row.saveId });
  }
  const journal = isThere ? mark.journal : undefined;
  const savedSeq = recorded.length;
  const since =
    journal === undefined ? [] : (await readJournal(host, workdir, { id: journal, savedSeq })).events;
  // A program that was killed may have run a newer Codex than the snapshot knows of.
  const touched = isThere && mark.codexVersion !== undefined ? touchedBy(facts, mark.codexVersion) : facts;
  const history = [...recorded, ...since];
  const saved: SavedTask = {
    from: { number: row.number, createdMs: row.createdMs, saveId: row.saveId, leftOut: shown.leftOut },
    ...{ history, savedSeq, journal, workdir: isThere ? 'kept' : 'restored' },
    facts: { ...touched, ...(since.length > 0 ? threadOf(history) : {}) },
  };
  return { follows: row.number, saved };
}

/** What its journal tells of a task that has had turns here and no snapshot; `undefined` where it tells of none. */
async function cutOffTask(
  host: Host,
  workdir: HostPath,
  mark: TaskMark | undefined,
): Promise<SavedTask | undefined> {
  // With a snapshot once, that is there no more, the task was removed on purpose.
  if (mark?.journal === undefined || mark.saveId !== undefined) return undefined;
  const { events, facts } = await readJournal(host, workdir, { id: mark.journal, savedSeq: 0 });
  const known = factsIn(facts);
  const { threadId } = threadOf(events);
  const last = events.at(-1);
  if (known === undefined || threadId === undefined || last === undefined) return undefined;
  return {
    from: { number: 0, createdMs: last.at, leftOut: [] },
    ...{ history: events, savedSeq: 0, journal: mark.journal, workdir: 'kept' },
    facts: { ...touchedBy(known, mark.codexVersion ?? known.codexVersion), threadId },
  };
}

/** The thread that has had turns since, which the snapshot may have been too early to name. */
function threadOf(history: readonly ConversationEvent[]): Pick<TaskFacts, 'threadId'> {
  const { threadId, turns } = history.reduce(reduceConversation, initialConversationState);
  return threadId === undefined || turns.length === 0 ? {} : { threadId };
}

function touchedBy(facts: TaskFacts, version: string): TaskFacts {
  return { ...facts, codexVersion: newestVersion(facts.codexVersion, version) };
}

/** What another task has done there since its last snapshot would be lost. */
function refuseOthersWorkdir(workdir: HostPath, other: string): never {
  throw new AgentCodexError(
    'invalid-config',
    `${workdir} is the workdir of the task ${JSON.stringify(other)}: a task has a workdir of its own. Give another one, or remove what is there if it is no longer needed.`,
  );
}

/** The settings of the session: the caller's, and where there is none that of the task before. */
export interface ResumedConfig {
  readonly config: CodexTaskConfig;
  readonly differences: readonly ResumeDifference[];
}

/** @throws {AgentCodexError} `downgrade-refused` when a newer Codex than the one that is asked for has touched the thread. */
export function resumedConfig(
  config: CodexTaskConfig,
  {
    facts,
    defaultVersion,
    task,
  }: { readonly facts: TaskFacts; readonly defaultVersion: string; readonly task: string },
): ResumedConfig {
  const version = config.version ?? newestVersion(defaultVersion, facts.codexVersion);
  if (facts.threadId !== undefined && compareCodexVersions(version, facts.codexVersion) < 0) {
    throw new AgentCodexError(
      'downgrade-refused',
      `The thread of ${JSON.stringify(task)} was touched by Codex ${facts.codexVersion}; Codex ${version} is older and would leave it unreadable. Run it with ${facts.codexVersion} or newer.`,
    );
  }
  const model = config.model ?? facts.model;
  const effort = config.effort ?? facts.effort;
  const sandbox = config.sandbox ?? facts.sandbox;
  const differences = [
    ...difference('codexVersion', facts.codexVersion, version),
    ...difference('model', facts.model, model),
    ...difference('effort', facts.effort, effort),
    ...(isSamePolicy(facts.sandbox, sandbox)
      ? []
      : difference('sandbox', JSON.stringify(facts.sandbox), JSON.stringify(sandbox))),
  ];
  return {
    config: {
      ...config,
      version,
      sandbox,
      ...(model === undefined ? {} : { model }),
      ...(effort === undefined ? {} : { effort }),
    },
    differences,
  };
}

export function newestVersion(a: string, b: string = a): string {
  return compareCodexVersions(a, b) < 0 ? b : a;
}

function difference(
  setting: ResumeDifference['setting'],
  saved: string | undefined,
  now: string | undefined,
): readonly ResumeDifference[] {
  return saved === now ? [] : [{ setting, saved: saved ?? 'none', now: now ?? 'none' }];
}

function isSamePolicy(a: unknown, b: unknown): boolean {
  return equalPolicies(parseSandboxPolicy(a), parseSandboxPolicy(b));
}
