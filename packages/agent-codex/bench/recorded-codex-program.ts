/**
 * Talks like the `codex app-server` that was recorded in the folder which is its first argument. A turn that is asked for with
 * `trickle COUNT` brings so many deltas, one a millisecond, each holding the moment at which it was written (`process.hrtime`, which
 * all processes of a machine share); any other is the recorded turn, as fast as the pipe takes it.
 */
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { BareMessage } from './bare-app-server.ts';

interface Request {
  readonly id?: number;
  readonly method: string;
  readonly params?: { readonly input?: readonly { readonly text?: string }[] };
}

const folder = process.argv[2] ?? '';
const answers: Readonly<Record<string, unknown>> = JSON.parse(
  await readFile(join(folder, 'answers.json'), 'utf8'),
);
const members: Readonly<Record<string, string>> = {
  initialize: 'initialized',
  'thread/start': 'started',
  'turn/start': 'turn',
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params }: Request = JSON.parse(line);
  if (id === undefined) continue;
  const result = answers[members[method] ?? ''];
  const error = { code: -32600, message: 'This was not recorded.' };
  process.stdout.write(`${JSON.stringify(result === undefined ? { id, error } : { id, result })}\n`);
  if (method !== 'turn/start') continue;
  const trickle = /^trickle (\d+)$/.exec(params?.input?.[0]?.text ?? '');
  if (trickle === null) createReadStream(join(folder, 'turn.jsonl')).pipe(process.stdout, { end: false });
  else await writeTrickle(Number(trickle[1]));
}

async function writeTrickle(count: number): Promise<void> {
  const recorded = await readFile(join(folder, 'turn.jsonl'), 'utf8');
  const messages = recorded.split('\n').filter((line) => line !== '');
  const isDelta = (line: string): boolean => line.includes('"item/agentMessage/delta"');
  const first = messages.findIndex(isDelta);
  const delta: BareMessage = JSON.parse(messages[first] ?? '');
  process.stdout.write(messages.slice(0, first).join('\n').concat('\n'));
  for (let written = 0; written < count; written += 1) {
    await delay(1);
    const params = { ...delta.params, delta: String(process.hrtime.bigint()) };
    process.stdout.write(`${JSON.stringify({ ...delta, params })}\n`);
  }
  process.stdout.write(
    messages
      .slice(messages.findLastIndex(isDelta) + 1)
      .join('\n')
      .concat('\n'),
  );
}
