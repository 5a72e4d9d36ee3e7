import type { ModelExchange } from './model-exchange.ts';
import type { InputItem } from './model-input.ts';
import type { ModelRequest } from './model-request.ts';

import type { Step } from './story-step.ts';

export interface TranscriptOptions {
  /** Characters that are kept of one text. Default 400. */
  readonly textLength?: number;
  /** Characters of the whole; what goes beyond is left out at the end, and said. Default 200,000. */
  readonly totalLength?: number;
}

/**
 * Readable text of what Codex asked and what it was answered. For each request only what is new in its conversation is shown.
 * Conversations are numbered in the order in which they began.
 */
export function renderTranscript(
  exchanges: readonly ModelExchange[],
  options: TranscriptOptions & { readonly secrets: readonly string[] },
): string {
  const textLength = options.textLength ?? 400;
  const totalLength = options.totalLength ?? 200_000;
  const threads = new Map<string, { readonly name: string; last: ModelRequest | undefined }>();
  const parts: string[] = [];
  let length = 0;
  for (const [index, exchange] of exchanges.entries()) {
    const { request } = exchange;
    const key = request.threadId ?? '';
    const thread = threads.get(key) ?? { name: `thread ${threads.size + 1}`, last: undefined };
    threads.set(key, thread);
    const part = renderExchange(exchange, {
      last: thread.last,
      name: thread.name,
      textLength,
      secrets: options.secrets,
    });
    thread.last = request;
    if (length + part.length > totalLength) {
      parts.push(`… ${exchanges.length - index} further requests left out\n`);
      break;
    }
    length += part.length;
    parts.push(part);
  }
  return parts.join('\n');
}

interface Rendering {
  readonly name: string;
  /** The request before this one in the same conversation. */
  readonly last: ModelRequest | undefined;
  readonly textLength: number;
  readonly secrets: readonly string[];
}

function renderExchange(exchange: ModelExchange, { name, last, textLength, secrets }: Rendering): string {
  const { request } = exchange;
  // Hidden first, cut then: the beginning of a secret is one too.
  const shorten = (text: string, length = textLength): string => shortened(masked(text, secrets), length);
  const effort = request.effort === undefined ? '' : `, effort ${request.effort}`;
  const lines = [`#${request.index} ${request.purpose} · ${name} · ${request.model}${effort}`];
  const isNew = newIn(request, last);
  if (request.instructions !== last?.instructions) {
    lines.push(`   instructions: ${shorten(request.instructions, 80)}`);
  }
  const tools = request.tools.map(toolName).join(', ');
  if (tools !== last?.tools.map(toolName).join(', ')) lines.push(`   tools: ${tools || 'none'}`);
  for (const item of isNew) {
    if (item.type === 'message' && item.text === request.instructions) continue;
    lines.push(`   ${renderItem(item, shorten)}`);
  }
  if (request.outputSchema !== undefined)
    lines.push(`   wants JSON: ${shorten(JSON.stringify(request.outputSchema))}`);
  for (const step of exchange.steps) lines.push(` ← ${renderStep(step, shorten)}`);
  const by =
    exchange.from === 'story' ? '' : ` (${exchange.from === 'otherwise' ? 'otherwise' : 'not in the story'})`;
  lines.push(` = ${exchange.outcome}${by}`);
  return `${lines.join('\n')}\n`;
}

/** The items after those that the conversation's last request held too. All of them when it was rewritten (compaction, rewind). */
function newIn(request: ModelRequest, last: ModelRequest | undefined): readonly InputItem[] {
  if (last === undefined) return request.input;
  const common = request.input.findIndex(
    (item, index) => JSON.stringify(item) !== JSON.stringify(last.input[index]),
  );
  const kept = common === -1 ? request.input.length : common;
  return kept < last.input.length ? request.input : request.input.slice(kept);
}

const stated = new Set([
  'AGENTS.md',
  'environment_context',
  'permissions instructions',
  'skills_instructions',
  'collaboration_mode',
]);

function renderItem(item: InputItem, shorten: (text: string) => string): string {
  switch (item.type) {
    case 'message': {
      // These name folders, dates and files of the machine: their being there is what matters.
      if (item.mark !== undefined && stated.has(item.mark)) return `${item.author}: <${item.mark}>`;
      const images = item.images.length === 0 ? '' : ` [${item.images.length} images]`;
      return `${item.author}: ${shorten(item.text)}${images}`;
    }
    case 'tool-call':
      return `model called ${toolName(item)}: ${shorten(item.input)}`;
    case 'tool-output': {
      const who = item.author === 'tool' ? `${toolName(item)} gave` : `third-party ${toolName(item)}`;
      const images = item.images.length === 0 ? '' : ` [${item.images.length} images]`;
      return `${who}: ${shorten(withoutTimes(item.text))}${images}`;
    }
    case 'reasoning':
      return `model thought: ${shorten(item.text)}`;
    case 'other':
      return item.kind === 'additional_tools' ? 'codex: tools' : `${item.author}: [${item.kind}]`;
  }
}

/** exec_command's output begins with an id and a measured time, which differ in every run. */
function withoutTimes(text: string): string {
  return text.replaceAll(/^(?:Chunk ID|Wall time):? .*\n/gm, '').trimEnd();
}

function renderStep(step: Step, shorten: (text: string) => string): string {
  switch (step.type) {
    case 'say':
      return `says: ${shorten(step.text)}`;
    case 'think':
      return `thinks: ${shorten(step.summary)}`;
    case 'run':
      return `runs: ${shorten(step.command)}${step.escalate === undefined ? '' : ` (asks to leave the sandbox: ${shorten(step.escalate)})`}`;
    case 'patch':
      return `patches: ${shorten(step.patch)}`;
    default: {
      const { type, ...rest } = step;
      const details = JSON.stringify(rest);
      return details === '{}' ? type : `${type}: ${shorten(details)}`;
    }
  }
}

function toolName(tool: { readonly name: string; readonly namespace?: string }): string {
  return tool.namespace === undefined ? tool.name : `${tool.namespace}.${tool.name}`;
}

function shortened(text: string, length: number): string {
  const line = printable(text).replaceAll('\n', '\n     ');
  const characters = [...line.slice(0, length * 2)];
  if (characters.length <= length && line.length <= length * 2) return line;
  return `${characters.slice(0, length).join('')}… (${text.length} characters)`;
}

/** What a program printed must not drive the terminal of whoever reads this. */
function printable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n\t]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `\\x${code.toString(16).padStart(2, '0')}`;
  });
}

/** A shorter one is no secret, and hiding it would tear holes into ordinary words. */
const shortestSecret = 6;
const keyLike = /\b(?:sk|sess|eyJ)[-_A-Za-z0-9][A-Za-z0-9._-]{18,}/g;

function masked(text: string, secrets: readonly string[]): string {
  const known = secrets
    .filter((secret) => secret.length >= shortestSecret)
    .reduce((rest, secret) => rest.replaceAll(secret, '[secret]'), text);
  return known.replaceAll(keyLike, '[secret]');
}
