import { timerMs } from '../timer-ms.ts';
import { interrupt } from './operations/running-turn.ts';
import type { SessionContext } from './session-context.ts';
import type { PendingTurn, TurnResult } from './turn-tracker.ts';

export interface AwaitTurnOptions {
  readonly signal: AbortSignal | undefined;
  /** In milliseconds. */
  readonly deadlineMs: number | undefined;
}

/** Waits for a turn, interrupting it when the signal fires or its time is over. A Codex that won't be interrupted is ended. */
export async function awaitTurn(
  context: SessionContext,
  turn: PendingTurn,
  { signal, deadlineMs }: AwaitTurnOptions,
): Promise<TurnResult> {
  const stop = AbortSignal.any([
    ...(signal === undefined ? [] : [signal]),
    ...(deadlineMs === undefined ? [] : [deadlineSignal(context, deadlineMs, turn)]),
  ]);
  const ended = new AbortController();
  const stopping = new Promise<void>((resolve) => {
    if (stop.aborted) resolve();
    stop.addEventListener('abort', () => resolve(), { once: true, signal: ended.signal });
    ended.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  void stopping.then(() => (ended.signal.aborted ? undefined : stopTurn(context, turn, ended.signal)));
  return await turn.result.finally(() => ended.abort());
}

function deadlineSignal(context: SessionContext, deadlineMs: number, turn: PendingTurn): AbortSignal {
  const over = new AbortController();
  const timer = setTimeout(() => {
    const message = `The turn took longer than ${deadlineMs} ms and was interrupted.`;
    context.turns.explain({ code: 'deadline', message });
    over.abort();
  }, timerMs(deadlineMs));
  void turn.result.catch(() => undefined).then(() => clearTimeout(timer));
  return over.signal;
}

async function stopTurn(context: SessionContext, turn: PendingTurn, ended: AbortSignal): Promise<void> {
  const { deadlines, server } = context;
  const end = (): void => {
    // Whoever ends the conversation hears of a failure there.
    void server.end({ from: 'term', graceMs: deadlines.endMs }).catch(() => undefined);
  };
  const gaveUp = setTimeout(end, deadlines.interruptMs);
  ended.addEventListener('abort', () => clearTimeout(gaveUp), { once: true });
  try {
    // Codex knows no turn to interrupt before it has begun it.
    await turn.started;
    await interrupt(context, false);
  } catch (error) {
    // Whether it worked shows in the turn; when it did not, the timer ends Codex.
    context.append({ type: 'warning', message: `The turn could not be interrupted: ${String(error)}` });
  }
}
