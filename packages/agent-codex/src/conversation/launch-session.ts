import {
  type Controls,
  type ConversationEvent,
  createEventLog,
  type EventLog,
  type EventMessage,
  endsOfLostSession,
  initialConversationState,
  reduceConversation,
} from '@seedbed/conversation-protocol';
import type { Command, Host, HostPath } from '@seedbed/host';
import { AgentCodexError } from '../agent-codex-error.ts';
import { type AppServer, openAppServer } from '../app-server/app-server.ts';
import { freshTokensOf, lendTokens } from '../app-server/lend-tokens.ts';
import { answerServerRequest } from '../app-server/server-requests/answer-server-request.ts';
import type { TokenLender } from '../app-server/server-requests/server-request.ts';
import { codexTraits } from '../codex-version.ts';
import { orAborted } from '../refuse-aborted.ts';
import type { Deadlines } from './deadlines.ts';
import { openThread, type ThreadSettings } from './open-thread.ts';
import { interrupt } from './operations/running-turn.ts';
import type { SessionContext } from './session-context.ts';
import { type ConversationHandlers, createSessionDesks, type SessionDesks } from './session-desks.ts';
import { createSessionEvents } from './session-events.ts';
import { createTurnTracker, type TurnTracker } from './turn-tracker.ts';

export interface LaunchOptions {
  readonly command: Command;
  /** Where the host may keep what Codex reads and prints. */
  readonly durable?: { readonly folder: HostPath };
  /** The version that must answer. */
  readonly version: string;
  readonly thread: ThreadSettings;
  readonly turnPolicy: Readonly<Record<string, unknown>>;
  readonly controls: Controls;
  readonly deadlines: Deadlines;
  readonly handlers: ConversationHandlers;
  /** Lends Codex what it needs of a login; otherwise it has one of its own. */
  readonly tokens?: TokenLender;
  /** What earlier sessions of the conversation have logged. */
  readonly history: readonly ConversationEvent[];
  /** What the agent is told with the first turn. */
  readonly notices: readonly string[];
  /** What must hold before the thread is opened; its failure ends the launch. Who began it sees to its end. */
  readonly ready: Promise<unknown>;
  readonly signal?: AbortSignal;
}

export interface LaunchedSession {
  readonly context: SessionContext;
  readonly log: EventLog;
}

/** The log of one conversation, and what listens to it, before Codex runs. */
interface Wiring {
  readonly log: EventLog;
  readonly turns: TurnTracker;
  readonly desks: SessionDesks;
  append(msg: EventMessage, submissionId?: string): void;
  receive(method: string, params: unknown): void;
  /** From here on the conversation is about this thread. */
  attach(context: SessionContext): void;
}

/** Starts Codex, opens the thread, and wires what Codex says to the conversation's log. @throws {AgentCodexError} */
export async function launchSession(host: Host, options: LaunchOptions): Promise<LaunchedSession> {
  const { deadlines, signal } = options;
  const wiring = wire(options);
  await using stack = new AsyncDisposableStack();
  const server = stack.use(
    await openAppServer(host, options.command, {
      requestDeadlineMs: deadlines.requestMs,
      startDeadlineMs: deadlines.startMs,
      ...(options.durable ? { durable: options.durable } : {}),
      ...(signal ? { signal } : {}),
      client: {
        onNotification: wiring.receive,
        onServerRequest: ({ id, method, params }) =>
          answerServerRequest(method, params, wiring.desks.forRequest(id)),
        onOddity: (message) => wiring.append({ type: 'warning', message }),
      },
    }),
  );
  checkVersion(server, options.version);
  // Codex runs bwrap itself when a thread is opened, and two of them at once take away each other's places for files that are not there.
  await orAborted(options.ready, signal, 'Waiting for the sandbox to be tried');
  if (options.tokens !== undefined) await lendTokens(server, options.tokens);
  const thread = await openThread(server, options.thread, signal);
  const { append, desks, log, turns } = wiring;
  const context: SessionContext = {
    server,
    files: host,
    workdir: options.thread.cwd,
    traits: codexTraits(options.version),
    threadId: thread.threadId,
    turns,
    approvals: desks.approvals,
    questions: desks.questions,
    deadlines,
    turnPolicy: options.turnPolicy,
    controls: options.controls,
    uploads: [],
    notices: options.notices,
    backgroundProcesses: [],
    append,
    finished: finish(server, wiring),
  };
  wiring.attach(context);
  append({
    type: 'session-configured',
    threadId: thread.threadId,
    agent: `codex ${server.version}`,
    cwd: thread.cwd,
    controls: { ...thread.controls, ...options.controls },
    resumed: options.thread.resume !== undefined,
  });
  stack.move();
  return { context, log };
}

function wire({ version, handlers, deadlines, history, tokens }: LaunchOptions): Wiring {
  const log = createEventLog(Date.now, history);
  const before = history.reduce(reduceConversation, initialConversationState);
  for (const msg of endsOfLostSession(before)) log.append(msg);
  const append = (msg: EventMessage, submissionId?: string): void => {
    if (!log.closed) log.append(msg, submissionId);
  };
  let context: SessionContext | undefined;
  const turns = createTurnTracker(append);
  const desks = createSessionDesks({
    handlers,
    answerMs: deadlines.answerMs,
    legacyDenial: codexTraits(version).legacyDenial,
    append,
    runningTurn: () => turns.running,
    ...(tokens === undefined ? {} : { freshTokens: freshTokensOf(tokens) }),
    announcedChanges: (itemId) => events.announcedChanges(itemId),
    interrupt: () =>
      context &&
      void interrupt(context, false).catch((error) => append({ type: 'warning', message: String(error) })),
  });
  const events = createSessionEvents(() => context?.threadId, {
    turns,
    append,
    requestResolved: desks.withdrawn,
  });
  return {
    log,
    turns,
    desks,
    append,
    receive: events.receive,
    attach(attached) {
      context = attached;
    },
  };
}

/** Once Codex is gone: everybody who waits is told, and the log says so as its last word. */
async function finish(server: AppServer, { turns, desks, append, log }: Wiring): Promise<void> {
  const { message } = await server.gone;
  turns.lose({ code: 'agent-lost', message });
  desks[Symbol.dispose]();
  append(
    server.ending ? { type: 'closed', reason: 'requested' } : { type: 'closed', reason: 'lost', message },
  );
  log.close();
}

function checkVersion(server: AppServer, expected: string): void {
  if (server.version === expected) return;
  throw new AgentCodexError(
    'wrong-version',
    `The binary is Codex ${server.version}, but ${expected} was asked for.`,
  );
}
