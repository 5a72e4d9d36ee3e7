import { randomUUID } from 'node:crypto';
import { type BinaryProgress, codexRelease } from '@seedbed/binary-cache';
import type { ConversationEvent } from '@seedbed/conversation-protocol';
import { type Host, type HostPath, hostPath, joinHostPath } from '@seedbed/host';
import {
  bindSurveyedPolicy,
  parseSandboxPolicy,
  probeSandbox,
  type ResolvedSandbox,
  renderAppServerArgv,
  renderConfigToml,
  renderThreadStart,
  renderTurnStart,
  type SandboxPolicy,
  type SandboxReport,
  surveySandboxPolicy,
  verifyThreadAnswer,
} from '@seedbed/sandbox-policy';
import { AgentCodexError } from './agent-codex-error.ts';
import { refuseToLend } from './app-server/lend-tokens.ts';
import type { TokenLender } from './app-server/server-requests/server-request.ts';
import { type CodexConversation, createConversation } from './conversation/conversation.ts';
import { defaultDeadlines } from './conversation/deadlines.ts';
import { launchSession } from './conversation/launch-session.ts';
import type { ConversationHandlers } from './conversation/session-desks.ts';
import { type CodexBinary, type FoundCodex, findCodex } from './find-codex.ts';
import { refuseAborted } from './refuse-aborted.ts';
import { sideBySide } from './side-by-side.ts';
import { inSpan } from './span.ts';
import { type CodexTaskConfig, parseCodexTaskConfig } from './task-config.ts';
import { renderMcpServers } from './task-home/mcp-server.ts';
import { fillTaskHome, lookAtTaskHome, makeTaskHome, refuseLinks } from './task-home/prepare-task-home.ts';
import { type TaskPaths, taskEnvironment, taskPaths } from './task-home/task-paths.ts';

export interface CodexConversationOptions extends CodexTaskConfig, ConversationHandlers {
  readonly host: Host;
  /** The task's folder on the host, absolute. Created when it is not there; the task's home is `home` inside of it. */
  readonly workdir: string;
  /** The folder that holds the workdirs of all tasks, absolute. Its content is hidden from this task's commands, but for the task's own workdir. */
  readonly tasksFolder?: string;
  /** A cache in the default place that is filled from the npm registry, by default. */
  readonly binary?: CodexBinary;
  /** What earlier sessions of this conversation have logged; its events go on behind it, so that whoever comes late sees all of them. */
  readonly history?: readonly ConversationEvent[];
  /** What the agent is told with the first turn, by this program: with a developer's authority. */
  readonly notices?: readonly string[];
  /**
   * Experimental, from 0.169 on, in place of `login`: Codex has no login of its own, and is lent access tokens. None of them is written to the host's disk.
   */
  readonly tokens?: TokenLender;
  /** While the binary is fetched. */
  readonly onBinaryProgress?: (progress: BinaryProgress) => void;
  /** Gives up the start; a conversation that has started is ended by disposing of it. */
  readonly signal?: AbortSignal;
}

/** A conversation, and what was found out about its sandbox before it began. */
export interface OpenedCodexConversation extends CodexConversation {
  readonly sandbox: SandboxReport;
}

/**
 * Starts Codex on a host, in a home of its own and under a sandbox that has been tried, and opens a thread.
 *
 * @throws {AgentCodexError} `invalid-config`, `launch-failed`, `not-ready`, `wrong-version`, `policy-mismatch`, `thread-not-found`,
 * `downgrade-refused`, `aborted`.
 * @throws {SandboxPolicyError} when the policy contradicts itself, or does not hold on this host.
 * @throws {BinaryCacheError} when the binary cannot be had.
 * @throws {HostError} when the host fails.
 */
export async function openCodexConversation(
  options: CodexConversationOptions,
): Promise<OpenedCodexConversation> {
  const task = parseCodexTaskConfig(taskConfigOf(options));
  const policy = parseSandboxPolicy(task.sandbox ?? {});
  const { signal } = options;
  refuseAborted(signal, 'Opening a conversation');

  return await inSpan('codex.open', {}, async (span) => {
    const launched = await openTask(task, policy, options).catch((failure: unknown) => {
      // Whatever was under way says in its own words that it was given up.
      refuseAborted(signal, 'Opening a conversation');
      throw failure;
    });
    span.setAttributes({ 'codex.thread_id': launched.threadId, 'codex.version': launched.version });
    return launched;
  });
}

/** The part of the options that is data, and says what the task is. */
export function taskConfigOf(options: CodexConversationOptions): CodexTaskConfig {
  const { host, workdir, binary, onApproval, onQuestion, onBinaryProgress, signal, ...rest } = options;
  const { tasksFolder, history, notices, tokens, ...task } = rest;
  return task;
}

/**
 * Every step asks the host for all that it can be asked for by then, because each costs a round trip to a host far away:
 * what is there → the files → the processes → `initialize` → the thread. A home that is not there is made in between.
 */
async function openTask(
  task: CodexTaskConfig,
  policy: SandboxPolicy,
  {
    host,
    workdir,
    tasksFolder,
    binary,
    onApproval,
    onQuestion,
    onBinaryProgress,
    signal,
    history = [],
    notices = [],
    tokens,
  }: CodexConversationOptions,
): Promise<OpenedCodexConversation> {
  if (tokens !== undefined) refuseToLend(task);
  const asked = taskPaths(workdirPath(workdir));
  const marker = `task-${randomUUID()}`;
  const [codex, survey, home] = await sideBySide(signal, (abort) => [
    findCodex(host, codexRelease(task.version), { binary, onProgress: onBinaryProgress, signal: abort }),
    surveySandboxPolicy(host, withMarker(policy, marker), {
      workdir: asked.workdir,
      codexHome: asked.codexHome,
      taskHome: asked.home,
      taskTmp: asked.tmp,
      hideUserLogins: true,
      ...(tasksFolder === undefined ? {} : { unreachable: [hostPath(tasksFolder)] }),
    }),
    lookAtTaskHome(host, asked),
  ]);
  const sandbox = bindSurveyedPolicy(survey, {
    codexVersion: codex.version,
    codexTree: codex.root,
    ...(task.allowEscapableRoot === undefined ? {} : { allowEscapableRoot: task.allowEscapableRoot }),
  });
  refuseAborted(signal, 'Opening a conversation');
  const { codexHome, taskHome, taskTmp, workdir: realWorkdir } = survey.place;
  const paths = taskPaths(realWorkdir);
  refuseLinks(paths, {
    ...home.folders,
    codexHome,
    ...(taskHome === undefined ? {} : { home: taskHome }),
    ...(taskTmp === undefined ? {} : { tmp: taskTmp }),
  });
  if (!home.isThere) await makeTaskHome(host, paths);
  refuseAborted(signal, 'Opening a conversation');
  await fillTaskHome(host, paths, {
    config: [
      home.config,
      taskDefaults,
      task.config ?? {},
      renderMcpServers(task.mcpServers ?? {}),
      taskSettings(task),
      renderConfigToml(sandbox),
    ],
    ...(task.login === undefined ? {} : { login: task.login }),
  });
  refuseAborted(signal, 'Opening a conversation');
  const env = { ...taskEnvironment(paths, task.env), [markerVariable]: marker };
  return await launch(host, {
    paths,
    codex,
    sandbox,
    env,
    task,
    handlers: { onApproval, onQuestion },
    history,
    notices,
    tokens,
    signal,
  });
}

/** @throws {AgentCodexError} `invalid-config` for a folder that no task can have. */
export function workdirPath(workdir: string): HostPath {
  const advice = 'Give the absolute path of a folder of its own.';
  if (!workdir.startsWith('/') || /\p{Cc}/u.test(workdir)) {
    throw new AgentCodexError('invalid-config', `workdir cannot be ${JSON.stringify(workdir)}. ${advice}`);
  }
  const path = hostPath(workdir);
  if (path === '/')
    throw new AgentCodexError('invalid-config', `workdir cannot be the whole file system. ${advice}`);
  return path;
}

/** By what the host finds every process of a session, also those that Codex leaves behind when it crashes. */
const markerVariable = 'SEEDBED_PROCESS';

/** Codex cleans the environment of its commands, so it is told to set the marker there. */
function withMarker(policy: SandboxPolicy, marker: string): SandboxPolicy {
  const { environment } = policy;
  return {
    ...policy,
    environment: { ...environment, set: { ...environment.set, [markerVariable]: marker } },
  };
}

interface Launch {
  readonly paths: TaskPaths;
  readonly codex: FoundCodex;
  readonly sandbox: ResolvedSandbox;
  /** Of Codex. */
  readonly env: Readonly<Record<string, string>>;
  readonly task: CodexTaskConfig;
  readonly handlers: {
    readonly [Name in keyof ConversationHandlers]: ConversationHandlers[Name] | undefined;
  };
  readonly history: readonly ConversationEvent[];
  readonly notices: readonly string[];
  readonly tokens: TokenLender | undefined;
  readonly signal: AbortSignal | undefined;
}

/** What the sandbox may take to be tried, in milliseconds, where Codex is not given more to start. */
const TRIAL_MS = 30_000;

/** The sandbox is tried while Codex starts, and the thread is opened only once it has held. */
async function launch(
  host: Host,
  { paths, codex, sandbox, env, task, handlers, history, notices, tokens, signal }: Launch,
): Promise<OpenedCodexConversation> {
  const controls = {
    ...(task.model === undefined ? {} : { model: task.model }),
    ...(task.effort === undefined ? {} : { effort: task.effort }),
  };
  const deadlines = { ...defaultDeadlines, ...task.deadlines };
  const [{ context, log }, report] = await sideBySide(signal, (abort) => {
    // Both are slow on a machine on which one of them is.
    const timeoutMs = Math.max(TRIAL_MS, deadlines.startMs);
    const probe = probeSandbox(host, sandbox, { codexPath: codex.path, env, timeoutMs, signal: abort });
    const session = launchSession(host, {
      command: { argv: [codex.path, 'app-server', ...renderAppServerArgv(sandbox)], cwd: paths.workdir, env },
      // Commands may neither read nor write there.
      durable: { folder: joinHostPath(paths.codexHome, `link-${randomUUID()}`) },
      version: codex.version,
      thread: {
        cwd: paths.workdir,
        policy: { ...renderThreadStart(sandbox) },
        verify: (answer) => verifyThreadAnswer(sandbox, answer),
        controls,
        ...(task.instructions === undefined ? {} : { instructions: task.instructions }),
        ...(task.resume === undefined ? {} : { resume: task.resume }),
      },
      turnPolicy: { ...renderTurnStart(sandbox) },
      controls,
      deadlines,
      handlers: {
        ...(handlers.onApproval === undefined ? {} : { onApproval: handlers.onApproval }),
        ...(handlers.onQuestion === undefined ? {} : { onQuestion: handlers.onQuestion }),
      },
      history,
      notices,
      ...(tokens === undefined ? {} : { tokens }),
      ready: probe,
      signal: abort,
    });
    return [session, probe];
  });
  return Object.assign(createConversation(context, log), { sandbox: report });
}

/**
 * What `config` may say otherwise. A login shell would take its PATH from /etc/profile instead of the host's environment,
 * and run start-up files of the task's home.
 */
const taskDefaults = { allow_login_shell: false };

/** What the task says in its own words, in Codex's. */
function taskSettings(task: CodexTaskConfig): Readonly<Record<string, unknown>> {
  return {
    ...(task.model === undefined ? {} : { model: task.model }),
    ...(task.effort === undefined ? {} : { model_reasoning_effort: task.effort }),
  };
}
