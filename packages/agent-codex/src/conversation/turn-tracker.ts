import type { EventMessage, TokenUsage, TurnFailure, TurnOutcome } from '@seedbed/conversation-protocol';
import { z } from 'zod';
import { AgentCodexError } from '../agent-codex-error.ts';
import { mapTurnError } from '../app-server/error-info.ts';

/** What a turn came to. */
export interface TurnResult {
  readonly turnId: string;
  readonly outcome: TurnOutcome;
  /** The agent's last message in this turn. */
  readonly finalMessage?: string;
  /** Tokens of this turn alone. */
  readonly usage?: TokenUsage;
}

/** A turn that was asked for, as whoever asked sees it. */
export interface PendingTurn {
  /** Codex has begun it. Rejects with `agent-error` and the like when it never will. */
  readonly started: Promise<string>;
  /** Rejects only if `started` does; a turn that fails is a value. */
  readonly result: Promise<TurnResult>;
}

/** The same, as whoever asks Codex for it sees it. */
export interface ExpectedTurn extends PendingTurn {
  /** Codex has answered with a turn id; on a miss the turn that runs took the input. */
  accepted(turnId: string): void;
  refused(error: AgentCodexError): void;
}

/**
 * Knows which turn runs and who waits for it. Turn ids come from `turn/started`, never from an answer alone:
 * 0.142 answers a second `turn/start` with an id that never starts.
 */
export interface TurnTracker {
  readonly running: string | undefined;
  /**
   * @param options.named A review goes by the id in the answer to `review/start`; its `turn/started` names another one (measured with both versions).
   * @throws {AgentCodexError} `turn-running`.
   */
  expect(
    submissionId: string | undefined,
    options?: { readonly named?: 'by-start' | 'by-answer' },
  ): ExpectedTurn;
  onStarted(params: unknown): boolean;
  onCompleted(params: unknown): boolean;
  /** Watches what goes by for what a result is made of. */
  observe(msg: EventMessage): void;
  /** Overrides how the turn that runs, or that is asked for and has not begun, will be told to have ended. */
  explain(failure: TurnFailure): void;
  /** Nothing more will come. */
  lose(failure: TurnFailure): void;
}

interface Waiter {
  readonly submissionId: string | undefined;
  readonly named: 'by-start' | 'by-answer';
  readonly started: PromiseWithResolvers<string>;
  readonly result: PromiseWithResolvers<TurnResult>;
  turnId?: string;
  /** Said before the turn has begun. */
  failure?: TurnFailure;
}

interface RunningTurn {
  readonly turnId: string;
  readonly usedBefore: TokenUsage | undefined;
  finalMessage?: string;
  failure?: TurnFailure;
}

const turnParams = z.looseObject({
  turn: z.looseObject({
    id: z.string(),
    status: z.string(),
    error: z.unknown().optional(),
    durationMs: z.number().nullish(),
  }),
});

export function createTurnTracker(append: (msg: EventMessage, submissionId?: string) => void): TurnTracker {
  let waiter: Waiter | undefined;
  let running: RunningTurn | undefined;
  let used: TokenUsage | undefined;

  function complete(turn: RunningTurn, outcome: TurnOutcome, durationMs?: number): void {
    running = undefined;
    const usage = used && subtractUsage(used, turn.usedBefore);
    const waiting = waiter?.turnId === turn.turnId ? waiter : undefined;
    append(
      {
        type: 'turn-completed',
        turnId: turn.turnId,
        outcome,
        ...(usage ? { usage } : {}),
        ...(durationMs === undefined ? {} : { durationMs }),
      },
      waiting?.submissionId,
    );
    if (waiting === undefined) return;
    waiter = undefined;
    waiting.result.resolve({
      turnId: turn.turnId,
      outcome,
      ...(turn.finalMessage === undefined ? {} : { finalMessage: turn.finalMessage }),
      ...(usage ? { usage } : {}),
    });
  }

  function begin(turnId: string): void {
    const waiting = waiter?.turnId === undefined ? waiter : undefined;
    running = { turnId, usedBefore: used, ...(waiting?.failure && { failure: waiting.failure }) };
    append({ type: 'turn-started', turnId, origin: waiting ? 'client' : 'agent' }, waiting?.submissionId);
    if (waiting) bind(waiting, turnId);
  }

  function bind(waiting: Waiter, turnId: string): void {
    waiting.turnId = turnId;
    waiting.started.resolve(turnId);
  }

  return {
    get running() {
      return running?.turnId;
    },
    expect(submissionId, { named = 'by-start' } = {}) {
      if (waiter !== undefined || running !== undefined) {
        throw new AgentCodexError(
          'turn-running',
          'A turn is running: steer it, interrupt it, or wait for its end.',
        );
      }
      const mine: Waiter = {
        submissionId,
        named,
        started: Promise.withResolvers(),
        result: Promise.withResolvers(),
      };
      // Whoever asked may look at one of the two only.
      mine.started.promise.catch(() => undefined);
      mine.result.promise.catch(() => undefined);
      waiter = mine;
      return {
        started: mine.started.promise,
        result: mine.result.promise,
        accepted(turnId) {
          if (mine.turnId !== undefined || waiter !== mine) return;
          if (named === 'by-answer') begin(turnId);
          else if (running !== undefined && running.turnId !== turnId) bind(mine, running.turnId);
        },
        refused(error) {
          if (waiter === mine && mine.turnId === undefined) waiter = undefined;
          mine.started.reject(error);
          mine.result.reject(error);
        },
      };
    },
    onStarted(params) {
      const parsed = turnParams.safeParse(params);
      if (!parsed.success) return false;
      if (waiter?.named !== 'by-answer') begin(parsed.data.turn.id);
      return true;
    },
    onCompleted(params) {
      const parsed = turnParams.safeParse(params);
      if (!parsed.success) return false;
      const { id, status, error, durationMs } = parsed.data.turn;
      const turn = running?.turnId === id ? running : { turnId: id, usedBefore: used };
      complete(turn, outcomeOf(status, error, turn), durationMs ?? undefined);
      return true;
    },
    observe(msg) {
      if (msg.type === 'usage-updated') used = msg.usage;
      if (msg.type !== 'item-completed' || msg.turnId !== running?.turnId) return;
      if (msg.item.kind === 'agent-message') running.finalMessage = msg.item.text;
    },
    explain(failure) {
      const explained = running ?? waiter;
      if (explained !== undefined) explained.failure = failure;
    },
    lose(failure) {
      if (running !== undefined) complete(running, { status: 'failed', failure: running.failure ?? failure });
      if (waiter === undefined) return;
      const error = new AgentCodexError('agent-lost', failure.message);
      waiter.started.reject(error);
      waiter.result.reject(error);
      waiter = undefined;
    },
  };
}

function outcomeOf(status: string, error: unknown, turn: RunningTurn): TurnOutcome {
  if (turn.failure !== undefined) return { status: 'failed', failure: turn.failure };
  if (status === 'failed') return { status: 'failed', failure: mapTurnError(error) };
  return { status: status === 'interrupted' ? 'interrupted' : 'completed' };
}

function subtractUsage(after: TokenUsage, before: TokenUsage | undefined): TokenUsage {
  if (before === undefined) return after;
  return {
    input: after.input - before.input,
    cachedInput: after.cachedInput - before.cachedInput,
    output: after.output - before.output,
    reasoning: after.reasoning - before.reasoning,
    total: after.total - before.total,
  };
}
