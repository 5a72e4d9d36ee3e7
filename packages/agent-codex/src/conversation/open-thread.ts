import type { Controls } from '@seedbed/conversation-protocol';
import type { HostPath } from '@seedbed/host';
import { z } from 'zod';
import { AgentCodexError } from '../agent-codex-error.ts';
import type { AppServer } from '../app-server/app-server.ts';
import { compareCodexVersions } from '../codex-version.ts';
import { wireControls } from './operations/start-turn.ts';
import { pastLostPlaces } from './past-lost-places.ts';

export interface ThreadSettings {
  readonly cwd: HostPath;
  /** The policy as `thread/start` says it. */
  readonly policy: Readonly<Record<string, unknown>>;
  /** Throws when Codex reports another policy than the one that it was given. */
  readonly verify: (answer: Readonly<Record<string, unknown>>) => void;
  readonly controls: Controls;
  readonly instructions?: string;
  /** The thread to go on with. */
  readonly resume?: string;
}

export interface OpenedThread {
  readonly threadId: string;
  readonly cwd: string;
  readonly controls: Controls;
}

const answerSchema = z.looseObject({
  thread: z.looseObject({ id: z.string() }),
  model: z.string(),
  cwd: z.string(),
  reasoningEffort: z.string().nullish(),
});

/**
 * Starts a thread, or resumes the one that is named: never "the last one".
 * @throws {AgentCodexError} `thread-not-found`, `downgrade-refused`, `policy-mismatch`, and what a request can end in.
 */
export async function openThread(
  server: AppServer,
  settings: ThreadSettings,
  signal: AbortSignal | undefined,
): Promise<OpenedThread> {
  const { resume, cwd, policy, controls, instructions } = settings;
  const params = {
    cwd,
    ...policy,
    ...(controls['model'] === undefined ? {} : { model: controls['model'] }),
    ...(instructions === undefined ? {} : { developerInstructions: instructions }),
  };
  const answer =
    resume === undefined
      ? await pastLostPlaces(() => server.request('thread/start', params, withSignal(signal)))
      : await resumeThread(server, resume, params, signal);
  const parsed = answerSchema.safeParse(answer);
  if (!parsed.success)
    throw new AgentCodexError('agent-error', 'Codex opened a thread and did not say which.');
  verifyPolicy(settings, parsed.data);
  const { thread, model, reasoningEffort, cwd: actual } = parsed.data;
  return {
    threadId: thread.id,
    cwd: actual,
    controls: { model, ...(reasoningEffort ? { effort: reasoningEffort } : {}), ...wireControls(controls) },
  };
}

const summarySchema = z.looseObject({ thread: z.looseObject({ cliVersion: z.string() }) });

/** The thread is looked at before it is opened: a version older than the one that made it would leave it unreadable for both. */
async function resumeThread(
  server: AppServer,
  threadId: string,
  params: Readonly<Record<string, unknown>>,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  try {
    const summary = summarySchema.safeParse(
      await server.request('thread/read', { threadId }, withSignal(signal)),
    );
    if (summary.success) refuseDowngrade(threadId, summary.data.thread.cliVersion, server.version);
    const resumed = { threadId, ...params };
    return await pastLostPlaces(() => server.request('thread/resume', resumed, withSignal(signal)));
  } catch (error) {
    if (error instanceof AgentCodexError && /no rollout found|not found|not loaded/i.test(error.message)) {
      throw new AgentCodexError(
        'thread-not-found',
        `Codex has no thread ${threadId} in this home: ${error.message}`,
        { cause: error },
      );
    }
    throw error;
  }
}

function refuseDowngrade(threadId: string, made: string, runs: string): void {
  if (!/^\d+\.\d+\.\d+/.test(made) || compareCodexVersions(made, runs) <= 0) return;
  throw new AgentCodexError(
    'downgrade-refused',
    `Thread ${threadId} was made by Codex ${made}; Codex ${runs} is older and would leave it unreadable. Resume it with ${made} or newer.`,
  );
}

function withSignal(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

function verifyPolicy(settings: ThreadSettings, answer: Readonly<Record<string, unknown>>): void {
  try {
    settings.verify(answer);
  } catch (cause) {
    throw new AgentCodexError('policy-mismatch', cause instanceof Error ? cause.message : String(cause), {
      cause,
    });
  }
}
