import type { UserInput } from '@seedbed/conversation-protocol';
import { z } from 'zod';
import { AgentCodexError } from '../../agent-codex-error.ts';
import type { SessionContext } from '../session-context.ts';
import { endBackgroundProcesses, reportBackgroundProcesses } from './background-processes.ts';
import { wireInput } from './start-turn.ts';

/** Adds to the running turn. @throws {AgentCodexError} `no-turn-running`; `agent-error` when it ended meanwhile. */
export async function steer(context: SessionContext, content: readonly UserInput[]): Promise<void> {
  const expectedTurnId = context.turns.running;
  if (expectedTurnId === undefined) {
    throw new AgentCodexError('no-turn-running', 'No turn is running: start one instead of steering.');
  }
  const { server, threadId } = context;
  const answer = await server.request('turn/steer', {
    threadId,
    expectedTurnId,
    input: content.flatMap(wireInput),
  });
  if (!z.looseObject({ turnId: z.string() }).safeParse(answer).success) {
    throw new AgentCodexError('agent-error', 'Codex answered turn/steer without a turn.');
  }
}

/**
 * Ends the running turn; does nothing when none runs (0.142 would never answer).
 * A shell command survives Codex's own interrupt as a background process: it is ended too unless `keepBackground`.
 */
export async function interrupt(context: SessionContext, keepBackground: boolean): Promise<void> {
  const turnId = context.turns.running;
  if (turnId === undefined) return;
  const { server, threadId, deadlines } = context;
  try {
    await server.request('turn/interrupt', { threadId, turnId }, { deadlineMs: deadlines.interruptMs });
  } catch (error) {
    // The turn may have ended between the look and the request; 0.142 does not answer then.
    if (context.turns.running === turnId) throw error;
  }
  if (keepBackground) await reportBackgroundProcesses(context);
  else await endBackgroundProcesses(context);
}
