import { setTimeout } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { BackgroundProcess } from '@seedbed/conversation-protocol';
import { z } from 'zod';
import { AgentCodexError } from '../../agent-codex-error.ts';
import type { SessionContext } from '../session-context.ts';

const listAnswer = z.looseObject({
  data: z.array(z.looseObject({ processId: z.string(), command: z.string() })),
});

/** Commands that Codex keeps running beside or after a turn. */
export async function reportBackgroundProcesses(
  context: SessionContext,
): Promise<readonly BackgroundProcess[]> {
  const { server, threadId } = context;
  const parsed = listAnswer.safeParse(await server.request('thread/backgroundTerminals/list', { threadId }));
  const processes = parsed.success
    ? parsed.data.data.map(({ processId, command }) => ({ processId, command }))
    : [];
  if (!isDeepStrictEqual(processes, context.backgroundProcesses)) {
    context.backgroundProcesses = processes;
    context.append({ type: 'background-changed', processes });
  }
  return processes;
}

/** Ends them all, and waits until they are gone. Codex answers before that and reports no end, so that it has to be asked again. */
export async function endBackgroundProcesses(context: SessionContext): Promise<void> {
  const { server, threadId, deadlines } = context;
  await server.request('thread/backgroundTerminals/clean', { threadId });
  const before = performance.now();
  for (let pauseMs = 5; (await reportBackgroundProcesses(context)).length > 0; pauseMs *= 2) {
    if (performance.now() - before > deadlines.interruptMs) {
      throw new AgentCodexError('deadline-exceeded', 'Commands in the background did not end in time.');
    }
    await setTimeout(pauseMs);
  }
}
