import type { FileChange, Item, ItemStatus, UserInput } from '@seedbed/conversation-protocol';
import { z } from 'zod';

const status = z.string().nullish();
const id = z.string();

const userContent = z.union([
  z.looseObject({ type: z.literal('text'), text: z.string() }),
  z.looseObject({ type: z.literal('image'), url: z.string() }),
  z.looseObject({ type: z.literal('localImage'), path: z.string() }),
  z.looseObject({ type: z.enum(['mention', 'skill']), name: z.string(), path: z.string() }),
  z.looseObject({ type: z.string() }),
]);

const fileUpdateChange = z.looseObject({
  path: z.string(),
  kind: z.looseObject({ type: z.enum(['add', 'delete', 'update']), move_path: z.string().nullish() }),
  diff: z.string(),
});

/** The `ThreadItem`s of Codex that have a counterpart. Loose: what a later version adds passes by. */
const threadItem = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('userMessage'), id, content: z.array(userContent) }),
  z.looseObject({ type: z.literal('agentMessage'), id, text: z.string(), phase: z.string().nullish() }),
  z.looseObject({ type: z.literal('plan'), id, text: z.string() }),
  z.looseObject({
    type: z.literal('reasoning'),
    id,
    summary: z.array(z.string()).default([]),
    content: z.array(z.string()).default([]),
  }),
  z.looseObject({
    type: z.literal('commandExecution'),
    id,
    status,
    command: z.string(),
    cwd: z.string(),
    aggregatedOutput: z.string().nullish(),
    exitCode: z.number().nullish(),
    durationMs: z.number().nullish(),
  }),
  z.looseObject({ type: z.literal('fileChange'), id, status, changes: z.array(fileUpdateChange) }),
  z.looseObject({
    type: z.literal('mcpToolCall'),
    id,
    status,
    server: z.string(),
    tool: z.string(),
    arguments: z.unknown().optional(),
    result: z.unknown().optional(),
    error: z.looseObject({ message: z.string() }).nullish(),
  }),
  z.looseObject({
    type: z.literal('dynamicToolCall'),
    id,
    status,
    namespace: z.string().nullish(),
    tool: z.string(),
    arguments: z.unknown().optional(),
    contentItems: z.unknown().optional(),
  }),
  z.looseObject({
    type: z.literal('functionCallOutput'),
    id,
    name: z.string(),
    namespace: z.string().nullish(),
    output: z.unknown().optional(),
  }),
  z.looseObject({ type: z.literal('webSearch'), id, query: z.string() }),
  z.looseObject({ type: z.literal('imageView'), id, path: z.string() }),
  z.looseObject({
    type: z.literal('imageGeneration'),
    id,
    status,
    revisedPrompt: z.string().nullish(),
    savedPath: z.string().nullish(),
  }),
  z.looseObject({ type: z.literal('enteredReviewMode'), id, review: z.string() }),
  z.looseObject({ type: z.literal('exitedReviewMode'), id, review: z.string() }),
  z.looseObject({ type: z.literal('contextCompaction'), id }),
]);

const anyItem = z.looseObject({ type: z.string(), id: z.string() });

/** Whether the item has just begun or is done: several of Codex's items carry no status of their own. */
export type ItemPhase = 'started' | 'completed';

/** Translates a `ThreadItem` of Codex; `undefined` when it is not even an object with a type and an id. */
export function mapItem(raw: unknown, phase: ItemPhase): Item | undefined {
  const known = threadItem.safeParse(raw);
  if (known.success) return mapKnownItem(known.data, phase);
  const some = anyItem.safeParse(raw);
  if (!some.success) return undefined;
  const { type, id: itemId, ...data } = some.data;
  return { kind: 'other', itemId, status: statusOf(undefined, phase), type, data };
}

export function mapFileChanges(raw: unknown): readonly FileChange[] | undefined {
  const changes = z.array(fileUpdateChange).safeParse(raw);
  return changes.success ? changes.data.map(mapFileChange) : undefined;
}

function mapKnownItem(item: z.infer<typeof threadItem>, phase: ItemPhase): Item {
  const base = { itemId: item.id, status: statusOf(item['status'], phase) };
  switch (item.type) {
    case 'userMessage':
      return { ...base, kind: 'user-message', content: item.content.flatMap(mapUserContent) };
    case 'agentMessage':
      return { ...base, kind: 'agent-message', text: item.text, ...phaseOf(item.phase) };
    case 'plan':
      return { ...base, kind: 'plan', text: item.text };
    case 'reasoning':
      return { ...base, kind: 'reasoning', summary: item.summary, content: item.content };
    case 'commandExecution':
      return {
        ...base,
        kind: 'command',
        command: item.command,
        cwd: item.cwd,
        output: item.aggregatedOutput ?? '',
        ...(typeof item.exitCode === 'number' ? { exitCode: item.exitCode } : {}),
        ...(typeof item.durationMs === 'number' ? { durationMs: item.durationMs } : {}),
      };
    case 'fileChange':
      return { ...base, kind: 'file-change', changes: item.changes.map(mapFileChange) };
    case 'webSearch':
      return { ...base, kind: 'web-search', query: item.query };
    case 'imageView':
      return { ...base, kind: 'image', path: item.path };
    case 'imageGeneration':
      return {
        ...base,
        kind: 'image',
        ...(item.savedPath ? { path: item.savedPath } : {}),
        ...(item.revisedPrompt ? { prompt: item.revisedPrompt } : {}),
      };
    case 'enteredReviewMode':
      return { ...base, kind: 'review', phase: 'entered', text: item.review };
    case 'exitedReviewMode':
      return { ...base, kind: 'review', phase: 'exited', text: item.review };
    case 'contextCompaction':
      return { ...base, kind: 'compaction' };
    default:
      return { ...base, ...mapToolCall(item) };
  }
}

type ToolItem = Extract<
  z.infer<typeof threadItem>,
  { type: 'mcpToolCall' | 'dynamicToolCall' | 'functionCallOutput' }
>;

function mapToolCall(item: ToolItem): Omit<Extract<Item, { kind: 'tool-call' }>, 'itemId' | 'status'> {
  switch (item.type) {
    case 'mcpToolCall':
      return {
        kind: 'tool-call',
        server: item.server,
        tool: item.tool,
        arguments: item.arguments,
        ...(item.result === null || item.result === undefined ? {} : { result: item.result }),
        ...(item.error ? { error: item.error.message } : {}),
      };
    case 'dynamicToolCall':
      return {
        kind: 'tool-call',
        ...(item.namespace ? { server: item.namespace } : {}),
        tool: item.tool,
        arguments: item.arguments,
        ...(item.contentItems === null || item.contentItems === undefined
          ? {}
          : { result: item.contentItems }),
      };
    case 'functionCallOutput':
      return {
        kind: 'tool-call',
        ...(item.namespace ? { server: item.namespace } : {}),
        tool: item.name,
        arguments: null,
        result: item.output,
      };
  }
}

function mapFileChange(change: z.infer<typeof fileUpdateChange>): FileChange {
  const { path, kind, diff } = change;
  return { path, kind: kind.type, diff, ...(kind.move_path ? { movedTo: kind.move_path } : {}) };
}

function mapUserContent(content: z.infer<typeof userContent>): UserInput[] {
  const known = z
    .discriminatedUnion('type', [
      z.looseObject({ type: z.literal('text'), text: z.string() }),
      z.looseObject({ type: z.literal('image'), url: z.string() }),
      z.looseObject({ type: z.literal('localImage'), path: z.string() }),
      z.looseObject({ type: z.literal('mention'), name: z.string(), path: z.string() }),
    ])
    .safeParse(content);
  if (!known.success) return [];
  const one = known.data;
  switch (one.type) {
    case 'text':
      return [{ type: 'text', text: one.text }];
    case 'image':
      return [{ type: 'image', url: one.url }];
    case 'localImage':
      return [{ type: 'local-image', path: one.path }];
    case 'mention':
      return [{ type: 'file', path: one.path, name: one.name }];
  }
}

function phaseOf(phase: string | null | undefined): { phase?: 'commentary' | 'final' } {
  if (phase === 'commentary') return { phase: 'commentary' };
  return phase === 'final_answer' ? { phase: 'final' } : {};
}

function statusOf(said: unknown, phase: ItemPhase): ItemStatus {
  switch (said) {
    case 'inProgress':
      return 'in-progress';
    case 'completed':
    case 'failed':
    case 'declined':
      return said;
    default:
      return phase === 'started' ? 'in-progress' : 'completed';
  }
}
