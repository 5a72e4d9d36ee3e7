import type { ReviewTarget } from '@seedbed/conversation-protocol';
import { z } from 'zod';
import { AgentCodexError } from '../../agent-codex-error.ts';
import { pastLostPlaces } from '../past-lost-places.ts';
import type { SessionContext } from '../session-context.ts';
import type { ExpectedTurn } from '../turn-tracker.ts';
import { beginTurn, turnIdOf } from './begin-turn.ts';

const threadWithTurns = z.looseObject({
  thread: z.looseObject({ turns: z.array(z.looseObject({ id: z.string() })) }),
});

/** Forgets `beforeTurnId` and what follows; files stay as they are. @throws {AgentCodexError} `turn-running`; `invalid-answer` or `agent-error` for an unknown turn. */
export async function rewind(
  context: SessionContext,
  beforeTurnId: string,
  submissionId?: string,
): Promise<void> {
  const { server, threadId, traits, turns } = context;
  if (turns.running !== undefined)
    throw new AgentCodexError('turn-running', 'Interrupt the running turn before rewinding.');
  if (traits.rewind === 'revert') {
    await server.request('thread/revert', { threadId, beforeTurnId });
  } else {
    const known = await turnIds(context);
    const index = known.indexOf(beforeTurnId);
    if (index === -1)
      throw new AgentCodexError(
        'invalid-answer',
        `The thread has no turn ${JSON.stringify(beforeTurnId)} to rewind to.`,
      );
    await server.request('thread/rollback', { threadId, numTurns: known.length - index });
  }
  context.append({ type: 'rewound', beforeTurnId }, submissionId);
}

async function turnIds({ server, threadId }: SessionContext): Promise<readonly string[]> {
  const answer = threadWithTurns.safeParse(
    await server.request('thread/read', { threadId, includeTurns: true }),
  );
  return answer.success ? answer.data.thread.turns.map((turn) => turn.id) : [];
}

/** Copies the thread and gives the copy's id; this conversation stays where it is. Resume the copy in a conversation of its own. */
export async function fork(context: SessionContext): Promise<string> {
  const { server, threadId } = context;
  const answer = await pastLostPlaces(() => server.request('thread/fork', { threadId, excludeTurns: true }));
  const parsed = z.looseObject({ thread: z.looseObject({ id: z.string() }) }).safeParse(answer);
  if (!parsed.success)
    throw new AgentCodexError('agent-error', 'Codex answered thread/fork without a thread.');
  const copy = parsed.data.thread.id;
  // Let go of it: 0.169 allows one writer a thread.
  await server.request('thread/unsubscribe', { threadId: copy });
  return copy;
}

/** Summarises the thread to make room. It runs as a turn. */
export async function compact(context: SessionContext, submissionId?: string): Promise<ExpectedTurn> {
  const { server, threadId, turns } = context;
  const turn = turns.expect(submissionId);
  return beginTurn(turn, async () => void (await server.request('thread/compact/start', { threadId })));
}

export async function review(
  context: SessionContext,
  target: ReviewTarget,
  submissionId?: string,
): Promise<ExpectedTurn> {
  const { server, threadId, turns } = context;
  const turn = turns.expect(submissionId, { named: 'by-answer' });
  return beginTurn(turn, async () => {
    const answer = await server.request('review/start', {
      threadId,
      target: wireTarget(target),
      delivery: 'inline',
    });
    turn.accepted(turnIdOf(answer, 'review/start'));
  });
}

function wireTarget(target: ReviewTarget): Readonly<Record<string, unknown>> {
  switch (target.type) {
    case 'uncommitted-changes':
      return { type: 'uncommittedChanges' };
    case 'base-branch':
      return { type: 'baseBranch', branch: target.branch };
    case 'commit':
      return { type: 'commit', sha: target.sha, title: null };
    case 'instructions':
      return { type: 'custom', instructions: target.text };
  }
}
