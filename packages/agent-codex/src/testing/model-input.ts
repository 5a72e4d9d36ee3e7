import { z } from 'zod';

/**
 * Who speaks in an item, as far as Codex marks it.
 *
 * - `user`: the person, with the user's authority.
 * - `developer`: instructions of Codex or of the program that drives it.
 * - `codex`: facts that Codex adds in the user's role (environment, AGENTS.md, a summary of earlier turns, a goal).
 * - `third-party`: text without anybody's authority (`turn/start.additionalContext` of kind `untrusted`, `toolOutput`).
 * - `model`, `tool`: what the model said, and what its calls gave.
 *
 * Codex marks by tags in plain text: a user who types such a tag is taken for what it says.
 */
export type InputAuthor = 'user' | 'developer' | 'codex' | 'third-party' | 'model' | 'tool';

export interface InputMessage {
  readonly type: 'message';
  readonly role: string;
  readonly author: InputAuthor;
  readonly text: string;
  /** Data or web URLs, in order. */
  readonly images: readonly string[];
  /** What the text begins with: a tag without its brackets (`environment_context`, `external_<source>`, …), or `AGENTS.md`, `summary`, `compaction`, `approval-review`. */
  readonly mark?: string;
}

export interface InputToolCall {
  readonly type: 'tool-call';
  readonly author: 'model';
  readonly name: string;
  readonly namespace?: string;
  readonly callId: string;
  /** JSON for a function, plain text for a custom tool. */
  readonly input: string;
}

export interface InputToolOutput {
  readonly type: 'tool-output';
  /** `third-party` when no call of the model asked for it. */
  readonly author: 'tool' | 'third-party';
  /** Of the call that it answers; of the source when there was no call. Empty when the call is no longer in the request. */
  readonly name: string;
  readonly namespace?: string;
  readonly callId?: string;
  readonly text: string;
  readonly images: readonly string[];
}

export type InputItem =
  | InputMessage
  | InputToolCall
  | InputToolOutput
  | { readonly type: 'reasoning'; readonly author: 'model'; readonly text: string }
  /** Everything else, by its type on the wire. */
  | { readonly type: 'other'; readonly author: 'model' | 'codex'; readonly kind: string };

const contentSchema = z.union([
  z.string(),
  z.array(z.looseObject({ type: z.string(), text: z.string().optional(), image_url: z.string().optional() })),
]);

const itemSchema = z.looseObject({
  type: z.string().optional(),
  role: z.string().optional(),
  content: contentSchema.nullish().catch(undefined),
  summary: contentSchema.nullish().catch(undefined),
  name: z.string().nullish(),
  namespace: z.string().nullish(),
  call_id: z.string().nullish(),
  arguments: z.string().optional(),
  input: z.string().optional(),
  output: z
    .union([contentSchema, z.looseObject({ content: contentSchema })])
    .nullish()
    .catch(undefined),
});

type WireItem = z.infer<typeof itemSchema>;

/** Reads the `input` of a request to the Responses API as Codex writes it. Never fails: what it does not know becomes `other`. */
export function inputItemsOf(input: readonly unknown[]): InputItem[] {
  const calls = new Map<string, InputToolCall>();
  return input.map((raw) => {
    const parsed = itemSchema.safeParse(raw);
    if (!parsed.success) return { type: 'other', author: 'codex', kind: 'unreadable' };
    const item = toInputItem(parsed.data, calls);
    if (item.type === 'tool-call') calls.set(item.callId, item);
    return item;
  });
}

function toInputItem(item: WireItem, calls: ReadonlyMap<string, InputToolCall>): InputItem {
  switch (item.type ?? 'message') {
    case 'message':
      return message(item);
    case 'function_call':
    case 'custom_tool_call':
      return {
        type: 'tool-call',
        author: 'model',
        name: item.name ?? '',
        ...(item.namespace ? { namespace: item.namespace } : {}),
        callId: item.call_id ?? '',
        input: item.arguments ?? item.input ?? '',
      };
    case 'function_call_output':
    case 'custom_tool_call_output':
      return toolOutput(item, calls);
    case 'reasoning':
      return { type: 'reasoning', author: 'model', text: textOf(item.summary) || textOf(item.content) };
    default: {
      const kind = item.type ?? 'message';
      return { type: 'other', author: kind.endsWith('_call') ? 'model' : 'codex', kind };
    }
  }
}

function message(item: WireItem): InputMessage {
  const text = textOf(item.content);
  const role = item.role ?? 'user';
  const mark = markOf(text);
  return {
    type: 'message',
    role,
    author: authorOf(role, mark),
    text,
    images: imagesOf(item.content),
    ...(mark === undefined ? {} : { mark }),
  };
}

function toolOutput(item: WireItem, calls: ReadonlyMap<string, InputToolCall>): InputToolOutput {
  const output = item.output;
  const content =
    output !== null && typeof output === 'object' && !Array.isArray(output) ? output.content : output;
  const call = item.call_id ? calls.get(item.call_id) : undefined;
  const namespace = call ? call.namespace : item.namespace;
  return {
    type: 'tool-output',
    author: item.call_id ? 'tool' : 'third-party',
    name: call?.name ?? item.name ?? '',
    ...(namespace ? { namespace } : {}),
    ...(item.call_id ? { callId: item.call_id } : {}),
    text: textOf(content),
    images: imagesOf(content),
  };
}

const codexMarks: ReadonlySet<string> = new Set([
  'AGENTS.md',
  'summary',
  'compaction',
  'approval-review',
  'environment_context',
  'user_instructions',
  'user_action',
  'user_shell_command',
  'codex_internal_context',
  'turn_aborted',
  'skill',
  'subagent_notification',
]);
const openings = [
  ['AGENTS.md', '# AGENTS.md instructions'],
  ['summary', 'Another language model started to solve this problem'],
  ['compaction', 'You are performing a CONTEXT CHECKPOINT COMPACTION'],
  ['approval-review', 'The following is the Codex agent history whose request action you are assessing'],
] as const;

function markOf(text: string): string | undefined {
  const opening = openings.find(([, words]) => text.startsWith(words));
  return opening?.[0] ?? /^<([A-Za-z][\w.:/-]{0,99}(?: instructions)?)(?: [^<>]*)?>/.exec(text)?.[1];
}

function authorOf(role: string, mark: string | undefined): InputAuthor {
  if (role === 'assistant') return 'model';
  if (role !== 'user') return 'developer';
  if (mark?.startsWith('external_')) return 'third-party';
  return mark !== undefined && codexMarks.has(mark) ? 'codex' : 'user';
}

function textOf(content: z.infer<typeof contentSchema> | null | undefined): string {
  if (typeof content === 'string') return content;
  return (content ?? []).flatMap((part) => part.text ?? []).join('\n');
}

function imagesOf(content: z.infer<typeof contentSchema> | null | undefined): string[] {
  return Array.isArray(content) ? content.flatMap((part) => part.image_url ?? []) : [];
}
