import type { Item } from '@seedbed/conversation-protocol';
import { z } from 'zod';
import { AgentCodexError } from '../../agent-codex-error.ts';
import { mapItem } from '../../app-server/item-mapping.ts';
import type { SessionContext } from '../session-context.ts';

export interface ThreadSummary {
  readonly threadId: string;
  readonly name?: string;
  /** The beginning of its first message. */
  readonly preview: string;
  /** Milliseconds since the epoch, on the host's clock. */
  readonly updatedAt: number;
}

export interface ThreadPage {
  readonly threads: readonly ThreadSummary[];
  /** Ask again with it for what follows. */
  readonly cursor?: string;
}

/** What Codex keeps of a thread. 0.142 keeps no commands: the conversation's own events are the complete record. */
export interface ThreadHistory extends ThreadSummary {
  readonly turns: readonly { readonly turnId: string; readonly items: readonly Item[] }[];
}

const threadSchema = z.looseObject({
  id: z.string(),
  name: z.string().nullish(),
  preview: z.string(),
  updatedAt: z.number(),
});

const listAnswer = z.looseObject({ data: z.array(threadSchema), nextCursor: z.string().nullish() });

const readAnswer = z.looseObject({
  thread: z.looseObject({
    ...threadSchema.shape,
    turns: z.array(z.looseObject({ id: z.string(), items: z.array(z.unknown()) })),
  }),
});

export interface ListThreadsOptions {
  readonly limit?: number;
  readonly cursor?: string;
  readonly archived?: boolean;
}

export async function listThreads(
  { server }: SessionContext,
  options: ListThreadsOptions = {},
): Promise<ThreadPage> {
  const parsed = listAnswer.safeParse(await server.request('thread/list', options));
  if (!parsed.success) throw new AgentCodexError('agent-error', 'Codex answered thread/list without a list.');
  const { data, nextCursor } = parsed.data;
  return { threads: data.map(summarise), ...(nextCursor ? { cursor: nextCursor } : {}) };
}

/** @throws {AgentCodexError} `agent-error` for a thread that is not there. */
export async function readThread({ server }: SessionContext, threadId: string): Promise<ThreadHistory> {
  const parsed = readAnswer.safeParse(await server.request('thread/read', { threadId, includeTurns: true }));
  if (!parsed.success)
    throw new AgentCodexError('agent-error', 'Codex answered thread/read without a thread.');
  const { thread } = parsed.data;
  const turns = thread.turns.map(({ id, items }) => ({
    turnId: id,
    items: items.flatMap((raw) => mapItem(raw, 'completed') ?? []),
  }));
  return { ...summarise(thread), turns };
}

export async function renameThread({ server, threadId }: SessionContext, name: string): Promise<void> {
  await server.request('thread/name/set', { threadId, name });
}

/** Puts the thread away. The conversation ends with it. */
export async function archiveThread({ server, threadId }: SessionContext): Promise<void> {
  await server.request('thread/archive', { threadId });
}

function summarise(thread: z.infer<typeof threadSchema>): ThreadSummary {
  const { id, name, preview, updatedAt } = thread;
  // Codex counts seconds here.
  return { threadId: id, preview, updatedAt: updatedAt * 1000, ...(name ? { name } : {}) };
}
