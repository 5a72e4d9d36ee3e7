import { z } from 'zod';
import { AgentCodexError } from '../../agent-codex-error.ts';
import type { ExpectedTurn } from '../turn-tracker.ts';

/** Asks Codex for a turn that is expected; when that fails, whoever expects it is told. @throws {AgentCodexError} */
export async function beginTurn(turn: ExpectedTurn, ask: () => Promise<void>): Promise<ExpectedTurn> {
  try {
    await ask();
    return turn;
  } catch (error) {
    const refusal =
      error instanceof AgentCodexError
        ? error
        : new AgentCodexError('agent-error', 'The turn could not be started.', { cause: error });
    turn.refused(refusal);
    throw refusal;
  }
}

/** A turn that was accepted and never begins would be waited for without end. */
export function refuseUnlessStarted(turn: ExpectedTurn, withinMs: number): void {
  const timer = setTimeout(() => {
    turn.refused(
      new AgentCodexError('deadline-exceeded', 'Codex accepted a turn and did not begin it in time.'),
    );
  }, withinMs);
  void turn.started.catch(() => undefined).then(() => clearTimeout(timer));
}

const turnAnswer = z.looseObject({ turn: z.looseObject({ id: z.string() }) });

/** @throws {AgentCodexError} `agent-error` when the answer names no turn. */
export function turnIdOf(answer: unknown, method: string): string {
  const parsed = turnAnswer.safeParse(answer);
  if (parsed.success) return parsed.data.turn.id;
  throw new AgentCodexError('agent-error', `Codex answered ${method} without a turn.`);
}
