import {
  type ConversationEvent,
  type ConversationState,
  type EventLog,
  type ExternalInput,
  initialConversationState,
  type Op,
  parseSubmission,
  type ReadEventsOptions,
  reduceConversation,
  type Submission,
  type TokenUsage,
  type UserInput,
} from '@seedbed/conversation-protocol';
import type { ProcessExit } from '@seedbed/host';
import { AgentCodexError } from '../agent-codex-error.ts';
import { refuseAborted } from '../refuse-aborted.ts';
import { inSpan } from '../span.ts';
import { awaitTurn } from './await-turn.ts';
import { followGoal, type GoalOutcome } from './goal-outcome.ts';
import { setGoal } from './operations/goals.ts';
import { type CodexModel, listModels } from './operations/models.ts';
import { type RateLimits, readRateLimits } from './operations/rate-limits.ts';
import { interrupt } from './operations/running-turn.ts';
import {
  type ListThreadsOptions,
  listThreads,
  readThread,
  type ThreadHistory,
  type ThreadPage,
} from './operations/threads.ts';
import { type OperationResult, performOperation } from './perform-operation.ts';
import type { SessionContext } from './session-context.ts';
import type { TurnResult } from './turn-tracker.ts';

export interface RunOptions {
  /** A JSON schema for the final message; `structured` of the result is then that message, parsed. */
  readonly outputSchema?: Readonly<Record<string, unknown>>;
  /** `model` and `effort` from this turn on. */
  readonly controls?: Readonly<Record<string, string>>;
  /** Interrupts the turn; the result is then `interrupted`. */
  readonly signal?: AbortSignal;
  /** Interrupts the turn when it takes longer, in milliseconds; the result is then `failed` with `deadline`. */
  readonly deadlineMs?: number;
}

export interface RunResult extends TurnResult {
  /** The final message as JSON, when an output schema was given and it is JSON. */
  readonly structured?: unknown;
}

export interface GoalOptions {
  readonly objective: string;
  readonly tokenBudget?: number;
  /** Stops following; the goal itself goes on until it is cleared. */
  readonly signal?: AbortSignal;
}

/** A running conversation with Codex. Disposing of it ends Codex and every process that it started. */
export interface CodexConversation extends AsyncDisposable {
  readonly threadId: string;
  /** Of the Codex that runs. */
  readonly version: string;
  /** Everything that happened, from `fromSeq` on, and then what happens; ends after `closed`. Any number of readers. */
  events(options?: ReadEventsOptions): AsyncIterableIterator<ConversationEvent>;
  /** What a person should see now. */
  state(): ConversationState;
  /**
   * Does what a client asks. A submission that was sent before is not done twice: its first result is given again.
   * @throws {AgentCodexError} what the operation can end in; the refusal is also an event.
   */
  submit(submission: Submission): Promise<OperationResult>;
  /** Runs one turn to its end. A turn that fails is a value. @throws {AgentCodexError} `turn-running`, `agent-lost`, `closed`, … */
  run(input: string | readonly UserInput[], options?: RunOptions): Promise<RunResult>;
  /** Runs a turn on text that does not carry the user's authority. */
  receive(input: ExternalInput, options?: Pick<RunOptions, 'signal' | 'deadlineMs'>): Promise<RunResult>;
  /** What the agent is told with the next turn, once, by this program: with a developer's authority. It starts no turn. */
  notify(notice: string): void;
  /** Sets a goal and follows it over the turns that Codex starts by itself. */
  pursue(goal: GoalOptions): Promise<GoalOutcome>;
  models(): Promise<readonly CodexModel[]>;
  /** What the login has left. @throws {AgentCodexError} `agent-error` where there is no login, as with a provider of one's own. */
  rateLimits(): Promise<RateLimits>;
  threads(options?: ListThreadsOptions): Promise<ThreadPage>;
  readThread(threadId: string): Promise<ThreadHistory>;
  /** Tokens of the whole thread, as last reported. */
  readonly usage: TokenUsage | undefined;
  /**
   * Ends the running turn, then Codex: end of input, TERM, KILL. What waits for an answer is refused, what is pending settles.
   * When it resolves, the rollout is complete on disk and no process of the group is left.
   */
  end(): Promise<ProcessExit>;
}

/** How many submissions are remembered, so that a repeated one is recognised. */
const submissionsRemembered = 10_000;

/** A client may be a program without types. @throws {AgentCodexError} `invalid-submission`. */
function checkedSubmission(input: Submission): Submission {
  try {
    return parseSubmission(input);
  } catch (cause) {
    throw new AgentCodexError('invalid-submission', messageOf(cause), { cause });
  }
}

/** How long the end waits for items of turns that are over, in milliseconds: they come as soon as Codex gets round to them. */
const lateItemsMs = 5_000;

function awaitsItems(
  { backgroundProcesses, turns }: ConversationState,
  turnsBefore: ReadonlySet<string>,
): boolean {
  if (backgroundProcesses.length > 0) return false;
  const over = turns.filter(
    ({ turnId, outcome }) => outcome?.status === 'completed' && !turnsBefore.has(turnId),
  );
  return over.some((turn) =>
    turn.items.some(({ kind, status }) => kind === 'command' && status === 'in-progress'),
  );
}

export function createConversation(context: SessionContext, log: EventLog): CodexConversation {
  const remembered = new Map<string, Promise<OperationResult>>();
  let state = initialConversationState;
  let ending: Promise<ProcessExit> | undefined;
  let counter = 0;
  // What of an earlier session has not ended by now has ended with it, and nothing more will come.
  const turnsBefore = new Set(current().turns.map(({ turnId }) => turnId));

  function refuseWhenEnded(): void {
    if (ending !== undefined) throw new AgentCodexError('closed', 'The conversation has ended.');
  }

  async function asked<T>(ask: () => Promise<T>): Promise<T> {
    refuseWhenEnded();
    return await ask();
  }

  async function submit(input: Submission): Promise<OperationResult> {
    const { id, op } = checkedSubmission(input);
    const before = remembered.get(id);
    if (before !== undefined) return await before;
    const result = perform(id, op);
    remembered.set(id, result);
    const oldest = remembered.size > submissionsRemembered ? remembered.keys().next().value : undefined;
    if (oldest !== undefined) remembered.delete(oldest);
    return await result;
  }

  async function perform(id: string, op: Op): Promise<OperationResult> {
    try {
      refuseWhenEnded();
      const result = await performOperation(context, op, id);
      if (result.type === 'close') await end();
      return result;
    } catch (error) {
      const code = error instanceof AgentCodexError ? error.code : 'agent-error';
      if (code !== 'closed')
        context.append({ type: 'submission-rejected', code, message: messageOf(error) }, id);
      throw error;
    }
  }

  async function runOp(op: Op, { signal, deadlineMs }: RunOptions): Promise<RunResult> {
    refuseAborted(signal, 'Running a turn');
    counter += 1;
    const id = `run-${counter}-${crypto.randomUUID()}`;
    return await inSpan('codex.turn', { 'codex.thread_id': context.threadId }, async (span) => {
      const result = await submit({ id, op });
      if (result.type !== 'turn') throw new TypeError(`${op.type} does not start a turn.`);
      const ended = await awaitTurn(context, result.turn, { signal, deadlineMs });
      span.setAttributes({ 'codex.turn_id': ended.turnId, 'codex.turn_status': ended.outcome.status });
      return ended;
    });
  }

  /** Waits a moment for commands whose end 0.142 reports after that of their turn. */
  async function lateItems(): Promise<void> {
    const signal = AbortSignal.timeout(lateItemsMs);
    if (!awaitsItems(current(), turnsBefore)) return;
    for await (const _ of log.read({ fromSeq: log.lastSeq + 1, signal })) {
      if (!awaitsItems(current(), turnsBefore)) return;
    }
  }

  async function end(): Promise<ProcessExit> {
    ending ??= lateItems().then(() => endSession(context));
    return await ending;
  }

  return {
    threadId: context.threadId,
    version: context.server.version,
    events: (options) => log.read(options),
    get usage() {
      return current().usage;
    },
    state: current,
    submit,
    async run(input, options = {}) {
      const content: readonly UserInput[] =
        typeof input === 'string' ? [{ type: 'text', text: input }] : input;
      const { outputSchema, controls } = options;
      const op: Op = {
        type: 'user-input',
        content,
        ...(outputSchema === undefined ? {} : { outputSchema }),
        ...(controls === undefined ? {} : { controls }),
      };
      const result = await runOp(op, options);
      return outputSchema === undefined ? result : withStructured(result);
    },
    receive: (input, options = {}) => runOp({ type: 'external-input', input }, options),
    notify(notice) {
      context.notices = [...context.notices, notice];
    },
    async pursue({ objective, tokenBudget, signal }) {
      refuseWhenEnded();
      const fromSeq = log.lastSeq + 1;
      const goal = await setGoal(context, objective, tokenBudget);
      return await followGoal(log.read({ fromSeq, ...(signal ? { signal } : {}) }), goal, signal);
    },
    models: () => asked(() => listModels(context)),
    rateLimits: () => asked(() => readRateLimits(context)),
    threads: (options) => asked(() => listThreads(context, options)),
    readThread: (threadId) => asked(() => readThread(context, threadId)),
    end,
    [Symbol.asyncDispose]: async () => void (await end()),
  };

  function current(): ConversationState {
    for (const event of log.since(state.lastSeq + 1)) state = reduceConversation(state, event);
    return state;
  }
}

function withStructured(result: TurnResult): RunResult {
  if (result.finalMessage === undefined) return result;
  try {
    return { ...result, structured: JSON.parse(result.finalMessage) };
  } catch {
    // The model did not keep to the schema; the caller sees a result without `structured`.
    return result;
  }
}

/** In the order that loses nothing: no more answers are awaited, the turn ends, then Codex, which writes its rollout before it goes. */
async function endSession(context: SessionContext): Promise<ProcessExit> {
  context.approvals[Symbol.dispose]();
  context.questions[Symbol.dispose]();
  const { endMs } = context.deadlines;
  if (context.turns.running !== undefined) {
    await interrupt(
      { ...context, deadlines: { ...context.deadlines, interruptMs: endMs, requestMs: endMs } },
      false,
    ).catch(() => undefined);
  }
  const exit = await context.server.end({ graceMs: endMs });
  await context.finished;
  return exit;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
