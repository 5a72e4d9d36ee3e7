import { z } from 'zod';
import { type UserInput, userInputSchema } from './user-input.ts';

/** How far an item has come. `declined`: somebody or a policy refused it. */
export type ItemStatus = 'in-progress' | 'completed' | 'failed' | 'declined';

export interface FileChange {
  readonly path: string;
  readonly kind: 'add' | 'delete' | 'update';
  /** Where an updated file is moved to. */
  readonly movedTo?: string;
  /** A unified diff; of an added or deleted file its whole text. */
  readonly diff: string;
}

interface ItemBase {
  /** Unique within the conversation. */
  readonly itemId: string;
  readonly status: ItemStatus;
}

/** One thing that happened in a turn. Text in it comes from the agent, a tool or a file: treat it as hostile when rendering. */
export type Item =
  | (ItemBase & { readonly kind: 'user-message'; readonly content: readonly UserInput[] })
  | (ItemBase & {
      readonly kind: 'external-message';
      readonly source: string;
      readonly trust: 'untrusted' | 'application';
      readonly text: string;
    })
  | (ItemBase & {
      readonly kind: 'agent-message';
      readonly text: string /** A remark on the way, or the turn's answer. */;
      readonly phase?: 'commentary' | 'final';
    })
  | (ItemBase & {
      readonly kind: 'reasoning';
      readonly summary: readonly string[];
      readonly content: readonly string[];
    })
  | (ItemBase & {
      readonly kind: 'command';
      readonly command: string;
      readonly cwd: string;
      /** Standard output and error, mixed as they came; the agent may have cut it. */
      readonly output: string;
      readonly exitCode?: number;
      readonly durationMs?: number;
    })
  | (ItemBase & { readonly kind: 'file-change'; readonly changes: readonly FileChange[] })
  | (ItemBase & {
      readonly kind: 'tool-call';
      /** The MCP server, or the namespace of a tool of the client's own. */
      readonly server?: string;
      readonly tool: string;
      readonly arguments: unknown;
      readonly result?: unknown;
      readonly error?: string;
    })
  | (ItemBase & { readonly kind: 'web-search'; readonly query: string })
  | (ItemBase & { readonly kind: 'plan'; readonly text: string })
  | (ItemBase & { readonly kind: 'image'; readonly path?: string; readonly prompt?: string })
  | (ItemBase & { readonly kind: 'review'; readonly phase: 'entered' | 'exited'; readonly text: string })
  | (ItemBase & { readonly kind: 'compaction' })
  /** Something that this version of the protocol has no word for. */
  | (ItemBase & {
      readonly kind: 'other';
      readonly type: string;
      readonly data: Readonly<Record<string, unknown>>;
    });

export type ItemKind = Item['kind'];

const itemStatusSchema: z.ZodType<ItemStatus> = z.enum(['in-progress', 'completed', 'failed', 'declined']);

export const fileChangeSchema: z.ZodType<FileChange> = z.looseObject({
  path: z.string(),
  kind: z.enum(['add', 'delete', 'update']),
  movedTo: z.string().exactOptional(),
  diff: z.string(),
});

const base = { itemId: z.string(), status: itemStatusSchema };

export const itemSchema: z.ZodType<Item> = z.discriminatedUnion('kind', [
  z.looseObject({ ...base, kind: z.literal('user-message'), content: z.array(userInputSchema) }),
  z.looseObject({
    ...base,
    kind: z.literal('external-message'),
    source: z.string(),
    trust: z.enum(['untrusted', 'application']),
    text: z.string(),
  }),
  z.looseObject({
    ...base,
    kind: z.literal('agent-message'),
    text: z.string(),
    phase: z.enum(['commentary', 'final']).exactOptional(),
  }),
  z.looseObject({
    ...base,
    kind: z.literal('reasoning'),
    summary: z.array(z.string()),
    content: z.array(z.string()),
  }),
  z.looseObject({
    ...base,
    kind: z.literal('command'),
    command: z.string(),
    cwd: z.string(),
    output: z.string(),
    exitCode: z.number().exactOptional(),
    durationMs: z.number().exactOptional(),
  }),
  z.looseObject({ ...base, kind: z.literal('file-change'), changes: z.array(fileChangeSchema) }),
  z.looseObject({
    ...base,
    kind: z.literal('tool-call'),
    server: z.string().exactOptional(),
    tool: z.string(),
    arguments: z.unknown(),
    result: z.unknown().exactOptional(),
    error: z.string().exactOptional(),
  }),
  z.looseObject({ ...base, kind: z.literal('web-search'), query: z.string() }),
  z.looseObject({ ...base, kind: z.literal('plan'), text: z.string() }),
  z.looseObject({
    ...base,
    kind: z.literal('image'),
    path: z.string().exactOptional(),
    prompt: z.string().exactOptional(),
  }),
  z.looseObject({
    ...base,
    kind: z.literal('review'),
    phase: z.enum(['entered', 'exited']),
    text: z.string(),
  }),
  z.looseObject({ ...base, kind: z.literal('compaction') }),
  z.looseObject({
    ...base,
    kind: z.literal('other'),
    type: z.string(),
    data: z.record(z.string(), z.unknown()),
  }),
]);
