import { setImmediate as nextTurnOfLoop } from 'node:timers/promises';
import type { HoldGates } from './hold-gates.ts';
import type { ModelRequest } from './model-request.ts';
import { itemEvents } from './response-items.ts';
import type { ResponseStream } from './response-stream.ts';
import type { OutputStep, ScriptedUsage, Step, StreamStep } from './story-step.ts';

/** How a reply ended: as the story says, or `interrupted`: the connection went before (Codex stopped the turn, gave up waiting or ended itself). */
export type ReplyOutcome = 'completed' | 'failed' | 'ended' | 'cut' | 'hung' | 'interrupted';

type FailStep = Extract<Step, { type: 'fail' }>;

interface Performance {
  readonly request: ModelRequest;
  readonly stream: ResponseStream;
  readonly gates: HoldGates;
  usage: ScriptedUsage;
  outputIndex: number;
}

/** Answers one request with the given steps. Never rejects because Codex went away: that is an outcome. */
export async function playReply(
  steps: readonly Step[],
  request: ModelRequest,
  { stream, gates }: { readonly stream: ResponseStream; readonly gates: HoldGates },
): Promise<ReplyOutcome> {
  const usage = { inputTokens: 100, outputTokens: 10 };
  const performance: Performance = { request, stream, gates, usage, outputIndex: 0 };
  try {
    for (const step of steps) {
      const outcome = await perform(step, performance);
      if (outcome !== undefined) return outcome;
    }
    await begin(performance);
    await stream.send({
      type: 'response.completed',
      response: { id: responseId(request), status: 'completed', usage: wireUsage(performance.usage) },
    });
    await stream.finish();
    return 'completed';
  } catch (error) {
    if (stream.gone.aborted) return 'interrupted';
    throw error;
  }
}

async function perform(step: Step, performance: Performance): Promise<ReplyOutcome | undefined> {
  if (!isStreamStep(step)) {
    await produce(step, performance);
    return undefined;
  }
  const { stream, gates } = performance;
  switch (step.type) {
    case 'hold':
      if (stream.started) await stream.flush();
      await gates.passed(step.name, stream.gone);
      return undefined;
    case 'wait':
      await stream.pause(step.ms);
      return undefined;
    case 'usage':
      performance.usage = step;
      return undefined;
    case 'garbage':
      await begin(performance);
      await stream.sendRaw(step.text);
      return undefined;
    case 'fail':
      return fail(step, performance);
    case 'hang':
      return hang(step.headers ?? true, performance);
    case 'cut':
      await begin(performance);
      await stream.flush();
      // Two turns of the event loop let the kernel take what was written, so that Codex sees a part and then the break.
      await nextTurnOfLoop();
      await nextTurnOfLoop();
      stream.cut();
      return 'cut';
    case 'end':
      await begin(performance);
      await stream.finish();
      return 'ended';
  }
}

async function produce(step: OutputStep, performance: Performance): Promise<void> {
  const { request, stream } = performance;
  await begin(performance);
  const id = `${request.index}_${performance.outputIndex}`;
  const place = { id, outputIndex: performance.outputIndex, tools: request.tools };
  performance.outputIndex += 1;
  for (const { event, pauseMs } of itemEvents(step, place)) {
    await stream.send(event);
    if (pauseMs > 0) await stream.pause(pauseMs);
  }
  await stream.flush();
}

async function begin({ request, stream }: Performance): Promise<void> {
  if (stream.started) return;
  stream.start();
  await stream.send({ type: 'response.created', response: { id: responseId(request) } });
}

async function hang(headers: boolean, performance: Performance): Promise<ReplyOutcome> {
  const { stream } = performance;
  if (headers) {
    await begin(performance);
    await stream.flush();
  }
  await new Promise<void>((resolve) => {
    if (stream.gone.aborted) resolve();
    stream.gone.addEventListener('abort', () => resolve(), { once: true });
  });
  return 'hung';
}

async function fail(step: FailStep, performance: Performance): Promise<ReplyOutcome> {
  const { request, stream } = performance;
  const code = step.code ?? 'server_error';
  const retry = step.retryAfterSeconds;
  const message = step.message ?? `The story says that this request fails (${code}).`;
  if (step.status !== undefined && !stream.started) {
    const limit =
      code === 'usage_limit_reached' ? { plan_type: 'plus', resets_in_seconds: retry ?? 3600 } : {};
    stream.refuse(step.status, retry === undefined ? {} : { 'retry-after': String(retry) }, {
      error: { type: code, code, message, ...limit },
    });
    return 'failed';
  }
  await begin(performance);
  // Codex reads the delay of a rate limit from the sentence.
  const told = retry === undefined ? message : `${message} Please try again in ${retry}s.`;
  await stream.send({
    type: 'response.failed',
    response: { id: responseId(request), status: 'failed', error: { code, message: told } },
  });
  await stream.finish();
  return 'failed';
}

function responseId(request: ModelRequest): string {
  return `resp_${request.index}`;
}

function wireUsage(usage: ScriptedUsage): Record<string, unknown> {
  return {
    input_tokens: usage.inputTokens,
    input_tokens_details: { cached_tokens: usage.cachedInputTokens ?? 0 },
    output_tokens: usage.outputTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens ?? 0 },
    total_tokens: usage.inputTokens + usage.outputTokens,
  };
}

const streamSteps: ReadonlySet<Step['type']> = new Set<StreamStep['type']>([
  'hold',
  'wait',
  'usage',
  'garbage',
  'fail',
  'hang',
  'cut',
  'end',
]);

function isStreamStep(step: Step): step is StreamStep {
  return streamSteps.has(step.type);
}
