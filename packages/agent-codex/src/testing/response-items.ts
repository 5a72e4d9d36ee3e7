import type { OfferedTool } from './model-request.ts';
import type { OutputStep } from './story-step.ts';

/** A server-sent event of the Responses API. */
export type ResponseEvent = { readonly type: string } & Readonly<Record<string, unknown>>;

/** Pieces of a text that is streamed, with the pause after each in milliseconds. */
export interface StreamedPiece {
  readonly event: ResponseEvent;
  readonly pauseMs: number;
}

interface Place {
  /** Unique within the server: call ids are made of it. */
  readonly id: string;
  readonly outputIndex: number;
  readonly tools: readonly OfferedTool[];
}

/** The events that bring one output step to Codex, in order, made as they are asked for. */
export function* itemEvents(step: OutputStep, place: Place): Generator<StreamedPiece> {
  const bare = (event: ResponseEvent): StreamedPiece => ({ event, pauseMs: 0 });
  const { outputIndex } = place;
  if (step.type === 'say' || step.type === 'deltas') {
    const id = `msg_${place.id}`;
    const item = { type: 'message', role: 'assistant', id, ...phaseOf(step) };
    yield bare({
      type: 'response.output_item.added',
      output_index: outputIndex,
      item: { ...item, content: [] },
    });
    const pauseMs = step.type === 'say' ? (step.delivery?.delayMs ?? 0) : 0;
    for (const delta of piecesOf(step)) {
      const event = {
        type: 'response.output_text.delta',
        item_id: id,
        output_index: outputIndex,
        content_index: 0,
        delta,
      };
      yield { event, pauseMs };
    }
    const content = [{ type: 'output_text', text: wholeText(step), annotations: [] }];
    yield bare({ type: 'response.output_item.done', output_index: outputIndex, item: { ...item, content } });
    return;
  }
  if (step.type === 'think') {
    yield* reasoningEvents(step, place);
    return;
  }
  const item = callItem(step, place);
  yield bare({ type: 'response.output_item.added', output_index: outputIndex, item });
  yield bare({ type: 'response.output_item.done', output_index: outputIndex, item });
}

function* reasoningEvents(
  step: Extract<OutputStep, { type: 'think' }>,
  place: Place,
): Generator<StreamedPiece> {
  const id = `rs_${place.id}`;
  const at = { item_id: id, output_index: place.outputIndex };
  const pauseMs = step.delivery?.delayMs ?? 0;
  const item = { type: 'reasoning', id, encrypted_content: 'c2NyaXB0ZWQ=' };
  const added = {
    type: 'response.output_item.added',
    output_index: place.outputIndex,
    item: { ...item, summary: [] },
  };
  yield { event: added, pauseMs: 0 };
  yield { event: { type: 'response.reasoning_summary_part.added', ...at, summary_index: 0 }, pauseMs: 0 };
  for (const delta of cut(step.summary, step.delivery?.characters)) {
    yield {
      event: { type: 'response.reasoning_summary_text.delta', ...at, summary_index: 0, delta },
      pauseMs,
    };
  }
  for (const delta of cut(step.raw ?? '', step.delivery?.characters)) {
    yield { event: { type: 'response.reasoning_text.delta', ...at, content_index: 0, delta }, pauseMs };
  }
  const done = {
    ...item,
    summary: [{ type: 'summary_text', text: step.summary }],
    ...(step.raw === undefined ? {} : { content: [{ type: 'reasoning_text', text: step.raw }] }),
  };
  yield {
    event: { type: 'response.output_item.done', output_index: place.outputIndex, item: done },
    pauseMs: 0,
  };
}

function phaseOf(step: Extract<OutputStep, { type: 'say' | 'deltas' }>): { phase?: string } {
  return step.type === 'say' && step.phase !== undefined ? { phase: step.phase } : {};
}

function piecesOf(step: Extract<OutputStep, { type: 'say' | 'deltas' }>): Iterable<string> {
  if (step.type === 'say') return cut(step.text, step.delivery?.characters);
  return repeated(step.text ?? 'x ', step.count);
}

function wholeText(step: Extract<OutputStep, { type: 'say' | 'deltas' }>): string {
  return step.type === 'say' ? step.text : (step.text ?? 'x ').repeat(step.count);
}

function* repeated(text: string, count: number): Generator<string> {
  for (let index = 0; index < count; index += 1) yield text;
}

/** Cuts between characters, never inside one. */
function* cut(text: string, characters: number | undefined): Generator<string> {
  if (text === '') return;
  if (characters === undefined) {
    yield text;
    return;
  }
  let piece: string[] = [];
  for (const character of text) {
    piece.push(character);
    if (piece.length === characters) {
      yield piece.join('');
      piece = [];
    }
  }
  if (piece.length > 0) yield piece.join('');
}

type CallStep = Exclude<OutputStep, { type: 'say' | 'deltas' | 'think' }>;

function callItem(step: CallStep, place: Place): Record<string, unknown> {
  if (step.type === 'webSearch') {
    return {
      type: 'web_search_call',
      id: `ws_${place.id}`,
      status: 'completed',
      action: { type: 'search', query: step.query },
    };
  }
  if (step.type === 'callCustomTool') return customCall(step, place);
  const freeform = place.tools.some((tool) => tool.name === 'apply_patch' && tool.type === 'custom');
  if (step.type === 'patch' && freeform) return customCall({ name: 'apply_patch', input: step.patch }, place);
  const call = functionCall(step);
  return {
    type: 'function_call',
    id: `fc_${place.id}`,
    call_id: `call_${place.id}`,
    name: call.name,
    ...(call.namespace === undefined ? {} : { namespace: call.namespace }),
    arguments: JSON.stringify(call.arguments),
  };
}

function customCall(
  call: { readonly name: string; readonly namespace?: string; readonly input: string },
  place: Place,
): Record<string, unknown> {
  return {
    type: 'custom_tool_call',
    id: `ctc_${place.id}`,
    call_id: `call_${place.id}`,
    name: call.name,
    ...(call.namespace === undefined ? {} : { namespace: call.namespace }),
    input: call.input,
  };
}

interface FunctionCall {
  readonly name: string;
  readonly namespace?: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

function functionCall(step: Exclude<CallStep, { type: 'webSearch' | 'callCustomTool' }>): FunctionCall {
  switch (step.type) {
    case 'run':
      return { name: 'exec_command', arguments: commandArguments(step) };
    case 'patch':
      // Codex recognises this form inside exec_command and applies the patch itself.
      return { name: 'exec_command', arguments: { cmd: patchCommand(step.patch) } };
    case 'callTool':
      return step;
    case 'plan':
      return {
        name: 'update_plan',
        arguments: {
          plan: step.steps,
          ...(step.explanation === undefined ? {} : { explanation: step.explanation }),
        },
      };
    case 'ask':
      return { name: 'request_user_input', arguments: { questions: step.questions } };
    case 'requestPermissions':
      return {
        name: 'request_permissions',
        arguments: { reason: step.reason, permissions: permissionsOf(step) },
      };
    case 'viewImage':
      return { name: 'view_image', arguments: { path: step.path } };
  }
}

function patchCommand(patch: string): string {
  let end = 'END_OF_PATCH';
  while (patch.includes(end)) end += '_';
  return `apply_patch <<'${end}'\n${patch.trimEnd()}\n${end}`;
}

function commandArguments(step: Extract<OutputStep, { type: 'run' }>): Record<string, unknown> {
  return {
    cmd: step.command,
    ...(step.workdir === undefined ? {} : { workdir: step.workdir }),
    ...(step.escalate === undefined
      ? {}
      : { sandbox_permissions: 'require_escalated', justification: step.escalate }),
    ...(step.prefixRule === undefined ? {} : { prefix_rule: step.prefixRule }),
    ...(step.yieldMs === undefined ? {} : { yield_time_ms: step.yieldMs }),
    ...(step.tty === undefined ? {} : { tty: step.tty }),
  };
}

function permissionsOf(step: Extract<OutputStep, { type: 'requestPermissions' }>): Record<string, unknown> {
  const files = {
    ...(step.read === undefined ? {} : { read: step.read }),
    ...(step.write === undefined ? {} : { write: step.write }),
  };
  return {
    ...(Object.keys(files).length === 0 ? {} : { file_system: files }),
    ...(step.network === undefined ? {} : { network: { enabled: step.network } }),
  };
}
