import { z } from 'zod';

/** How a text travels: in pieces of so many characters (one piece when left out), with a pause after each. */
export interface Delivery {
  readonly characters?: number;
  readonly delayMs?: number;
}

export interface AskedQuestion {
  readonly id: string;
  readonly header: string;
  readonly question: string;
  readonly options: readonly { readonly label: string; readonly description: string }[];
}

export interface PlannedStep {
  readonly step: string;
  readonly status: 'pending' | 'in_progress' | 'completed';
}

/** Tokens as the service counts them; Codex reports them as the thread's usage. */
export interface ScriptedUsage {
  readonly inputTokens: number;
  readonly cachedInputTokens?: number;
  readonly outputTokens: number;
  readonly reasoningTokens?: number;
}

/** Something that the model produces: Codex sees it as an item of the response. */
export type OutputStep =
  /** A message of the assistant. */
  | {
      readonly type: 'say';
      readonly text: string;
      readonly delivery?: Delivery;
      readonly phase?: 'commentary' | 'final_answer';
    }
  /** A message of the assistant in exactly `count` pieces, each `text`, as fast as Codex reads. */
  | { readonly type: 'deltas'; readonly count: number; readonly text?: string }
  /** Reasoning: a summary, and the raw text where Codex is set to show it. */
  | {
      readonly type: 'think';
      readonly summary: string;
      readonly raw?: string;
      readonly delivery?: Delivery;
    }
  /** A shell command through `exec_command`. With `escalate` it asks to run outside the sandbox, giving this reason. */
  | {
      readonly type: 'run';
      readonly command: string;
      readonly workdir?: string;
      readonly escalate?: string;
      /** Offered as the rule for "don't ask again"; only with `escalate`. */
      readonly prefixRule?: readonly string[];
      /** How long Codex waits before it gives the model what there is and leaves the command running. */
      readonly yieldMs?: number;
      readonly tty?: boolean;
    }
  /** A patch in the `*** Begin Patch` format, by the `apply_patch` tool where it is offered, through `exec_command` where not. */
  | { readonly type: 'patch'; readonly patch: string }
  /** Any function: of an MCP server (`namespace: 'mcp__<server>'`), a dynamic tool, or one of Codex's own. */
  | {
      readonly type: 'callTool';
      readonly name: string;
      readonly namespace?: string;
      readonly arguments: Readonly<Record<string, unknown>>;
    }
  /** Any tool that takes text instead of JSON, such as `exec` of the models that write JavaScript. */
  | {
      readonly type: 'callCustomTool';
      readonly name: string;
      readonly namespace?: string;
      readonly input: string;
    }
  /** `update_plan`. Version 0.169 has it only where the config says so: see `offerAllTools`. */
  | { readonly type: 'plan'; readonly steps: readonly PlannedStep[]; readonly explanation?: string }
  /** `request_user_input`: one to three questions to the person. Outside plan mode it is refused without `offerAllTools`. */
  | { readonly type: 'ask'; readonly questions: readonly AskedQuestion[] }
  /** `request_permissions`: further access for this turn or session. Only with `offerAllTools`. */
  | {
      readonly type: 'requestPermissions';
      readonly reason: string;
      readonly read?: readonly string[];
      readonly write?: readonly string[];
      readonly network?: boolean;
    }
  /** `view_image`: a file on the host. */
  | { readonly type: 'viewImage'; readonly path: string }
  /** A search that the service itself made. */
  | { readonly type: 'webSearch'; readonly query: string };

/** Something that happens to the stream; what is marked as last ends the reply. */
export type StreamStep =
  /** Waits until the test calls `release(name)`. */
  | { readonly type: 'hold'; readonly name: string }
  | { readonly type: 'wait'; readonly ms: number }
  /** What the reply costs. The default is 100 tokens in, 10 out. */
  | ({ readonly type: 'usage' } & ScriptedUsage)
  /** Bytes that are no server-sent event of the Responses API. */
  | { readonly type: 'garbage'; readonly text: string }
  /**
   * Last. With a status, before any output: an HTTP error. Otherwise the event `response.failed`.
   * What Codex makes of it: status 429 with the code `usage_limit_reached`, or the events `insufficient_quota` and `usage_not_included`:
   * the usage limit. Status 429 otherwise, 500: asked again. The event `context_length_exceeded`: the context is full.
   * `server_is_overloaded` (503 or event): no capacity. Status 400: a bad request. docs/facts/responses-api.md has the table.
   */
  | {
      readonly type: 'fail';
      readonly status?: number;
      readonly code?: string;
      readonly message?: string;
      readonly retryAfterSeconds?: number;
    }
  /** Last. Nothing more, until Codex closes the connection; `headers: false` before anything else: not even an HTTP status. */
  | { readonly type: 'hang'; readonly headers?: boolean }
  /** Last. The connection breaks. */
  | { readonly type: 'cut' }
  /** Last. The stream ends properly, but without the closing `response.completed`. */
  | { readonly type: 'end' };

export type Step = OutputStep | StreamStep;

const count = z.number().int().min(1).max(10_000_000);
const duration = z.number().int().min(0).max(3_600_000);
const delivery = z.strictObject({ characters: count.exactOptional(), delayMs: duration.exactOptional() });
const tokens = z.number().int().min(0);

/** Passed on as they are: a schema that rebuilds them would lose members such as `__proto__`. */
const toolArguments = z.custom<Readonly<Record<string, unknown>>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'expected an object',
);

const question = z.strictObject({
  id: z.string(),
  header: z.string(),
  question: z.string(),
  options: z.array(z.strictObject({ label: z.string(), description: z.string() })),
});

const plannedStep = z.strictObject({
  step: z.string(),
  status: z.enum(['pending', 'in_progress', 'completed']),
});

export const stepSchema: z.ZodType<Step> = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('say'),
    text: z.string(),
    delivery: delivery.exactOptional(),
    phase: z.enum(['commentary', 'final_answer']).exactOptional(),
  }),
  z.strictObject({ type: z.literal('deltas'), count, text: z.string().min(1).exactOptional() }),
  z.strictObject({
    type: z.literal('think'),
    summary: z.string(),
    raw: z.string().exactOptional(),
    delivery: delivery.exactOptional(),
  }),
  z.strictObject({
    type: z.literal('run'),
    command: z.string(),
    workdir: z.string().exactOptional(),
    escalate: z.string().exactOptional(),
    prefixRule: z.array(z.string()).exactOptional(),
    yieldMs: duration.exactOptional(),
    tty: z.boolean().exactOptional(),
  }),
  z.strictObject({ type: z.literal('patch'), patch: z.string() }),
  z.strictObject({
    type: z.literal('callTool'),
    name: z.string().min(1),
    namespace: z.string().min(1).exactOptional(),
    arguments: toolArguments,
  }),
  z.strictObject({
    type: z.literal('callCustomTool'),
    name: z.string().min(1),
    namespace: z.string().min(1).exactOptional(),
    input: z.string(),
  }),
  z.strictObject({
    type: z.literal('plan'),
    steps: z.array(plannedStep),
    explanation: z.string().exactOptional(),
  }),
  z.strictObject({ type: z.literal('ask'), questions: z.array(question) }),
  z.strictObject({
    type: z.literal('requestPermissions'),
    reason: z.string(),
    read: z.array(z.string()).exactOptional(),
    write: z.array(z.string()).exactOptional(),
    network: z.boolean().exactOptional(),
  }),
  z.strictObject({ type: z.literal('viewImage'), path: z.string() }),
  z.strictObject({ type: z.literal('webSearch'), query: z.string() }),
  z.strictObject({ type: z.literal('hold'), name: z.string().min(1) }),
  z.strictObject({ type: z.literal('wait'), ms: duration }),
  z.strictObject({
    type: z.literal('usage'),
    inputTokens: tokens,
    cachedInputTokens: tokens.exactOptional(),
    outputTokens: tokens,
    reasoningTokens: tokens.exactOptional(),
  }),
  z.strictObject({ type: z.literal('garbage'), text: z.string() }),
  z.strictObject({
    type: z.literal('fail'),
    status: z.number().int().min(400).max(599).exactOptional(),
    code: z.string().exactOptional(),
    message: z.string().exactOptional(),
    retryAfterSeconds: z.number().int().min(0).exactOptional(),
  }),
  z.strictObject({ type: z.literal('hang'), headers: z.boolean().exactOptional() }),
  z.strictObject({ type: z.literal('cut') }),
  z.strictObject({ type: z.literal('end') }),
]);
