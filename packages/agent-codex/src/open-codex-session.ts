import { defaultCodexVersion } from '@seedbed/binary-cache';
import type { HostPath } from '@seedbed/host';
import { refuseLostPaths } from '@seedbed/snapshots';
import { AgentCodexError } from './agent-codex-error.ts';
import type { RefreshLoginOptions } from './login/refresh-codex-login.ts';
import {
  type CodexConversationOptions,
  type OpenedCodexConversation,
  openCodexConversation,
  taskConfigOf,
  workdirPath,
} from './open-codex-conversation.ts';
import { refuseAborted } from './refuse-aborted.ts';
import { type CodexSession, createSession } from './session/codex-session.ts';
import { createJournalId } from './session/event-journal.ts';
import { resumeLogLines, resumeNotice } from './session/resume-notice.ts';
import {
  bringBack,
  newestVersion,
  type ResumedConfig,
  resumedConfig,
  type SavedTask,
} from './session/resume-task.ts';
import { leaseLogin, type SessionLogin, type SessionSeed } from './session/session-seed.ts';
import type { ResumeReport, SessionSnapshots } from './session/session-snapshots.ts';
import {
  CODEX_SNAPSHOT_EXCLUDE,
  CODEX_SNAPSHOT_NEVER,
  CODEX_SNAPSHOT_REQUIRED,
} from './session/snapshot-exclude.ts';
import { appendToResumeLog, writeBrief } from './session/task-brief.ts';
import { taskInstructions } from './session/task-instructions.ts';
import { writeTaskMark } from './session/task-mark.ts';
import { compareTexts, type ToldTexts } from './session/told-texts.ts';
import { type CodexTaskConfig, parseCodexTaskConfig } from './task-config.ts';
import { taskPaths } from './task-home/task-paths.ts';

export interface CodexSessionOptions
  extends Omit<CodexConversationOptions, 'resume' | 'history' | 'notices' | 'tokens'> {
  /** Names the task, the same in each of its sessions: 1 to 200 characters. */
  readonly task: string;
  /** What the agent is to do, for AGENTS.md in the workdir, which the agent is told to read; written anew when it changes, and then the agent is told. */
  readonly brief?: string;
  /** Where the task is kept between its sessions. Without it, it ends with this one. */
  readonly snapshots?: SessionSnapshots;
  /** The login that it runs under, leased for as long as the session lives. In place of `login`. */
  readonly seed?: SessionSeed;
  /**
   * Experimental, from 0.169 on: nothing of the seed is put on the host. Codex is lent access tokens, which are refreshed here, the way that is given, and saved in the seed. Its
   * `config.toml` does not come along: say in `config` who the provider is, unless it is Codex's own.
   */
  readonly keepOffHost?: true | { readonly refresh: Omit<RefreshLoginOptions, 'signal'> };
}

/**
 * One session of a task: it goes on from its last snapshot, under the login that it has leased, and is saved after each turn and at its end.
 *
 * @throws {AgentCodexError} what `openCodexConversation` throws, `not-saved`, `invalid-snapshot`, `downgrade-refused`.
 * @throws {SnapshotError} when a snapshot cannot be restored: a task that was saved is never begun anew silently.
 * @throws {SeedError} when no login can be leased or planted.
 */
export async function openCodexSession(options: CodexSessionOptions): Promise<CodexSession> {
  const {
    host,
    task,
    brief: _brief,
    snapshots: _snapshots,
    seed,
    keepOffHost: _keepOffHost,
    signal,
    ...rest
  } = options;
  const asked = parseCodexTaskConfig(taskConfigOf({ ...rest, host }));
  refuseContradictions(options);
  refuseAborted(signal, 'Opening a session');
  const workdir = workdirPath(options.workdir);
  // What is acquired first is let go last.
  await using acquired = new AsyncDisposableStack();
  const login = seed && acquired.use(await leaseLogin(seed, { task, signal }));
  try {
    const session = await openUnderLogin(options, { asked, workdir, login, acquired });
    acquired.move();
    return session;
  } catch (failure) {
    // That the login was lost is said in its own words, not as if the caller had given up.
    login?.lease.signal.throwIfAborted();
    throw failure;
  }
}

interface UnderLogin {
  readonly asked: CodexTaskConfig;
  readonly workdir: HostPath;
  readonly login: SessionLogin | undefined;
  /** Gets what is to be let go where the session is not opened after all. */
  readonly acquired: AsyncDisposableStack;
}

async function openUnderLogin(
  options: CodexSessionOptions,
  { asked, workdir, login, acquired }: UnderLogin,
): Promise<CodexSession> {
  const { host, task, brief, snapshots, keepOffHost, signal } = options;
  const paths = taskPaths(workdir);
  const exclude = excludeOf(snapshots);
  const maxBytes = snapshots?.maxBytes;
  const giveUp = AbortSignal.any([signal, login?.lease.signal].filter((each) => each !== undefined));
  const before = snapshots && (await bringBack(host, workdir, { task, snapshots, signal: giveUp }));
  const saved = before?.saved;
  const { config, differences } = settingsOf(asked, saved, task);
  const compared = compareTexts({ brief, instructions: config.instructions }, saved?.facts);
  let isRenewed = false;
  if (brief !== undefined) {
    await host.makeDirectory(workdir);
    const wasWritten = saved?.facts.briefDigest !== undefined;
    isRenewed = await writeBrief(host, workdir, { text: brief, exclude, maxBytes, wasWritten });
  }
  const texts = { ...compared, briefChanged: compared.briefChanged || isRenewed };
  const tokens = keepOffHost && login?.lend(keepOffHost === true ? {} : keepOffHost.refresh);
  if (tokens === undefined) await login?.plant(host, { paths, signal: giveUp });

  const planned = saved && { saved, differences, texts };
  const hasBrief = texts.digests.briefDigest !== undefined;
  const instructions = taskInstructions({ instructions: config.instructions, hasBrief, maxBytes });
  const opening = {
    ...{ ...options, ...config, host, signal: giveUp, ...(tokens && { tokens }) },
    ...(instructions !== undefined && { instructions }),
  };
  const opened = await openResumed(opening, planned, exclude);
  const conversation = acquired.use(opened.conversation);
  if (opened.resumed !== undefined) {
    const lines = resumeLogLines(opened.resumed, host.label);
    await appendToResumeLog(host, workdir, { lines, now: Date.now() });
  }
  const codexVersion = newestVersion(conversation.version, saved?.facts.codexVersion);
  // One that has begun goes on under its name: what is in it counts until the new one takes its place.
  const journal = snapshots && {
    id: saved?.journal ?? createJournalId(),
    savedSeq: saved?.savedSeq ?? 0,
  };
  if (snapshots !== undefined) {
    const saveId = saved?.from.saveId;
    const mark = { task, codexVersion, ...(saveId === undefined ? {} : { saveId }) };
    await writeTaskMark(host, workdir, journal === undefined ? mark : { ...mark, journal: journal.id });
  }
  return createSession({
    ...{ host, workdir, task, conversation, login, snapshots, exclude },
    resumed: opened.resumed,
    factsBase: { sandbox: config.sandbox ?? {}, ...texts.digests },
    codexVersion,
    follows: before?.follows ?? 0,
    journal,
  });
}

interface Planned {
  readonly saved: SavedTask;
  readonly differences: ResumedConfig['differences'];
  readonly texts: ToldTexts;
}

interface Opened {
  readonly conversation: OpenedCodexConversation;
  readonly resumed: ResumeReport | undefined;
}

/** A thread that Codex cannot find is said, to the agent and to the caller, and the conversation begins anew with the files. */
async function openResumed(
  options: CodexConversationOptions & CodexSessionOptions,
  planned: Planned | undefined,
  exclude: readonly string[],
): Promise<Opened> {
  const { task: _task, brief: _brief, snapshots, ...rest } = options;
  const { seed: _seed, keepOffHost: _keepOffHost, ...conversation } = rest;
  if (planned === undefined) {
    return { conversation: await openCodexConversation(conversation), resumed: undefined };
  }
  const { saved, differences, texts } = planned;
  const { briefChanged, newInstructions } = texts;
  const { number, createdMs, leftOut } = saved.from;
  const { threadId } = saved.facts;
  const resumedAs = (thread: ResumeReport['thread']): ResumeReport => ({
    ...{ number, createdMs, workdir: saved.workdir, thread, leftOut },
    ...{ differences, briefChanged },
  });
  const open = async (resumed: ResumeReport, resume?: string): Promise<Opened> => ({
    resumed,
    conversation: await openCodexConversation({
      ...conversation,
      history: saved.history,
      notices: [resumeNotice(resumed, { exclude, maxBytes: snapshots?.maxBytes, newInstructions })],
      ...(resume === undefined ? {} : { resume }),
    }),
  });
  if (threadId === undefined) return await open(resumedAs('none'));
  try {
    return await open(resumedAs('resumed'), threadId);
  } catch (failure) {
    if (!(failure instanceof AgentCodexError) || failure.code !== 'thread-not-found') throw failure;
    return await open(resumedAs('lost'));
  }
}

function settingsOf(asked: CodexTaskConfig, saved: SavedTask | undefined, task: string): ResumedConfig {
  if (saved === undefined) return { config: asked, differences: [] };
  return resumedConfig(asked, { facts: saved.facts, defaultVersion: defaultCodexVersion, task });
}

function excludeOf(snapshots: SessionSnapshots | undefined): readonly string[] {
  if (snapshots?.exclude === undefined) return CODEX_SNAPSHOT_EXCLUDE;
  return [...new Set([...snapshots.exclude, ...CODEX_SNAPSHOT_NEVER])];
}

const MAX_TASK_CHARACTERS = 200;

function refuseContradictions({ task, seed, login, keepOffHost, snapshots }: CodexSessionOptions): void {
  refuseLostPaths(excludeOf(snapshots), CODEX_SNAPSHOT_REQUIRED);
  if (task.trim() === '' || task.length > MAX_TASK_CHARACTERS || /\p{Cc}/u.test(task)) {
    throw new AgentCodexError(
      'invalid-config',
      `task cannot be ${JSON.stringify(task.slice(0, MAX_TASK_CHARACTERS))}: name it in 1 to ${MAX_TASK_CHARACTERS} characters.`,
    );
  }
  if (seed !== undefined && login !== undefined)
    throw new AgentCodexError('invalid-config', 'seed contradicts login: say one of them.');
  if (keepOffHost !== undefined && seed === undefined)
    throw new AgentCodexError('invalid-config', 'keepOffHost needs a seed: it is its login that stays here.');
}
