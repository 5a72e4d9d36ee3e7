import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import { type InputItem, inputItemsOf } from './model-input.ts';
import { ScriptedModelError } from './scripted-model-error.ts';
import type { RequestPurpose } from './story.ts';

/** A tool that the model may call in this request. Namespaces are flattened: one entry a callable name. */
export interface OfferedTool {
  readonly name: string;
  readonly namespace?: string;
  /** `function` takes JSON, `custom` takes text; the others run at the service. */
  readonly type: string;
}

/** One request of Codex to the model, as data. */
export interface ModelRequest {
  /** From 0, in the order of arrival. */
  readonly index: number;
  readonly purpose: RequestPurpose;
  readonly model: string;
  /** Absent when Codex leaves it to the service. */
  readonly effort?: string;
  /** What the model is told to be, wherever this version of Codex puts it. Empty when it puts it nowhere. */
  readonly instructions: string;
  /** The whole conversation as the model sees it, oldest first. */
  readonly input: readonly InputItem[];
  readonly tools: readonly OfferedTool[];
  /** The JSON schema that the answer has to follow, when Codex asked for one. */
  readonly outputSchema?: unknown;
  /** As Codex names them; absent when it did not say. */
  readonly threadId?: string;
  readonly turnId?: string;
  readonly parentThreadId?: string;
  /** Names in lower case; what authenticates is replaced by `[secret]`. */
  readonly headers: Readonly<Record<string, string>>;
}

const toolSchema = z.looseObject({
  type: z.string(),
  name: z.string().optional(),
  tools: z.array(z.looseObject({ type: z.string(), name: z.string().optional() })).optional(),
});

const bodySchema = z.looseObject({
  model: z.string(),
  instructions: z.string().optional(),
  input: z.array(z.looseObject({ type: z.string().optional() })),
  tools: z.array(toolSchema).optional(),
  reasoning: z.looseObject({ effort: z.string().nullish() }).nullish(),
  text: z.looseObject({ format: z.looseObject({ schema: z.unknown() }).nullish() }).nullish(),
  prompt_cache_key: z.string().nullish(),
});

const metadataSchema = z.looseObject({
  request_kind: z.string().optional(),
  subagent_kind: z.string().optional(),
  thread_id: z.string().optional(),
  turn_id: z.string().optional(),
  parent_thread_id: z.string().optional(),
});

type Metadata = z.infer<typeof metadataSchema>;

/**
 * Reads the body of `POST /v1/responses`. Unknown members are passed over: Codex adds some in every version.
 * @throws {ScriptedModelError} `unreadable-request`.
 */
export function parseModelRequest(index: number, headers: IncomingHttpHeaders, body: string): ModelRequest {
  const parsed = bodySchema.safeParse(parseJson(body));
  if (!parsed.success) {
    const message = `This is no request to a model:\n${z.prettifyError(parsed.error)}`;
    throw new ScriptedModelError('unreadable-request', message, { cause: parsed.error });
  }
  const request = parsed.data;
  const metadata = turnMetadata(headers);
  const input = inputItemsOf(request.input);
  const first = input.find((item) => item.type === 'message');
  const leading = first?.role === 'developer' && !first.mark ? first.text : '';
  const threadId = metadata.thread_id ?? header(headers, 'thread-id') ?? request.prompt_cache_key;
  const parentThreadId = metadata.parent_thread_id ?? header(headers, 'x-codex-parent-thread-id');
  const schema = request.text?.format?.schema;
  return {
    index,
    purpose: purposeOf(metadata, header(headers, 'x-openai-subagent')),
    model: request.model,
    ...(request.reasoning?.effort ? { effort: request.reasoning.effort } : {}),
    instructions: request.instructions || leading,
    input,
    tools: [...offered(request.tools ?? []), ...offered(additionalTools(request.input))],
    ...(schema === undefined ? {} : { outputSchema: schema }),
    ...(threadId ? { threadId } : {}),
    ...(metadata.turn_id ? { turnId: metadata.turn_id } : {}),
    ...(parentThreadId ? { parentThreadId } : {}),
    headers: withoutSecrets(headers),
  };
}

function purposeOf(metadata: Metadata, subagentHeader: string | undefined): RequestPurpose {
  if (metadata.request_kind === 'compaction') return 'compact';
  switch (metadata.subagent_kind ?? subagentHeader) {
    case undefined:
      return metadata.request_kind === undefined || metadata.request_kind === 'turn' ? 'turn' : 'other';
    case 'review':
      return 'review';
    case 'compact':
      return 'compact';
    case 'guardian':
      return 'auto-review';
    case 'collab_spawn':
    case 'thread_spawn':
      return 'subagent';
    default:
      return 'other';
  }
}

function turnMetadata(headers: IncomingHttpHeaders): Metadata {
  const text = header(headers, 'x-codex-turn-metadata');
  const parsed = metadataSchema.safeParse(text === undefined ? undefined : parseJson(text));
  return parsed.success ? parsed.data : {};
}

/** Newer models get their tools as an item of the conversation instead of a member of the request. */
function additionalTools(input: readonly Record<string, unknown>[]): z.infer<typeof toolSchema>[] {
  return input.flatMap((item) => {
    const parsed = z.array(toolSchema).safeParse(item['type'] === 'additional_tools' ? item['tools'] : []);
    return parsed.success ? parsed.data : [];
  });
}

function offered(tools: readonly z.infer<typeof toolSchema>[]): OfferedTool[] {
  return tools.flatMap((tool) =>
    tool.tools === undefined
      ? [{ name: tool.name ?? tool.type, type: tool.type }]
      : tool.tools.map((inner) => ({
          name: inner.name ?? inner.type,
          type: inner.type,
          ...(tool.name === undefined ? {} : { namespace: tool.name }),
        })),
  );
}

const secretHeader = /authorization|cookie|api-?key|secret|token$/;

function withoutSecrets(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => {
      if (value === undefined) return [];
      return [[name, secretHeader.test(name) ? '[secret]' : [value].flat().join(', ')]];
    }),
  );
}

function header(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
