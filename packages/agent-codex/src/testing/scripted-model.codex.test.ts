import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { supportedVersions } from '../../test/codex-binaries.ts';
import { type CodexMessage, openCodexHome, openCodexProcess } from '../../test/scripted-codex.ts';
import { openScriptedModel } from './scripted-model.ts';
import type { Story } from './story.ts';

async function play(version: (typeof supportedVersions)[number], story: Story) {
  const stack = new AsyncDisposableStack();
  const model = stack.use(await openScriptedModel({ story }));
  const home = stack.use(await openCodexHome(model.providerConfig()));
  const asked: CodexMessage[] = [];
  const codex = stack.use(
    await openCodexProcess({
      version,
      home,
      answer: (request) => {
        asked.push(request);
        return { decision: 'accept' };
      },
    }),
  );
  const threadId = await codex.startThread();
  return { stack, model, home, codex, asked, threadId };
}

function items(messages: readonly CodexMessage[], type: string) {
  return messages
    .filter((m) => m.method === 'item/completed')
    .flatMap(({ params }) => (params.item?.type === type ? [params.item] : []));
}

function failure(message: CodexMessage): unknown {
  const error = message.params.turn?.error as { codexErrorInfo: unknown } | null | undefined;
  return error?.codexErrorInfo;
}

const patch = '*** Begin Patch\n*** Add File: greeting.txt\n+hello\n*** End Patch\n';

describe.each(supportedVersions)('the real Codex %s against a scripted model', (version) => {
  test('says what the story says, in as many pieces', async () => {
    const played = await play(version, {
      replies: [{ steps: [{ type: 'say', text: 'Grüße 🌱!', delivery: { characters: 2 } }] }],
    });
    await using _ = played.stack;
    const end = await played.codex.turn(played.threadId, 'Say something.');
    const deltas = played.codex.messages
      .filter((m) => m.method === 'item/agentMessage/delta')
      .map((m) => m.params.delta);
    expect(end.params.turn?.status).toBe('completed');
    expect(deltas).toEqual(['Gr', 'üß', 'e ', '🌱!']);
    expect(played.model.requests[0]?.input.at(-1)).toMatchObject({ author: 'user', text: 'Say something.' });
  });

  test('runs a command, patches a file and hears what came of it', async () => {
    const played = await play(version, {
      replies: [
        { steps: [{ type: 'run', command: 'echo from the shell' }] },
        { steps: [{ type: 'patch', patch }] },
        { steps: [{ type: 'say', text: 'Done.' }] },
      ],
    });
    await using _ = played.stack;
    const end = await played.codex.turn(played.threadId, 'Work.');
    expect(end.params.turn?.status).toBe('completed');
    expect(items(played.codex.messages, 'fileChange')).toMatchObject([{ status: 'completed' }]);
    expect(await readFile(join(played.home.workspace, 'greeting.txt'), 'utf8')).toBe('hello\n');
    const outputs = played.model.requests.map((request) => request.input.at(-1));
    expect(outputs[1]).toMatchObject({
      author: 'tool',
      name: 'exec_command',
      text: expect.stringContaining('from the shell'),
    });
    expect(outputs[2]).toMatchObject({ text: expect.stringContaining('greeting.txt') });
    expect(played.model.exchanges.map((exchange) => exchange.outcome)).toEqual([
      'completed',
      'completed',
      'completed',
    ]);
  });

  test('asks before it leaves the sandbox', async () => {
    const played = await play(version, {
      replies: [{ steps: [{ type: 'run', command: 'true', escalate: 'May I?' }] }],
    });
    await using _ = played.stack;
    await played.codex.turn(played.threadId, 'Work.');
    expect(played.asked).toMatchObject([
      { method: 'item/commandExecution/requestApproval', params: { reason: 'May I?' } },
    ]);
  });

  test.each([
    ['a used up limit', { type: 'fail', status: 429, code: 'usage_limit_reached' }, 'usageLimitExceeded'],
    ['an unknown key', { type: 'fail', status: 401, code: 'invalid_api_key' }, expect.anything()],
    ['a full context', { type: 'fail', code: 'context_length_exceeded' }, 'contextWindowExceeded'],
    ['a broken service', { type: 'fail', status: 500 }, expect.anything()],
    ['a cut stream', { type: 'cut' }, expect.anything()],
  ] as const)('fails the turn by %s', async (_, step, info) => {
    const played = await play(version, { replies: [{ steps: [step], times: 'always' }] });
    await using _stack = played.stack;
    const end = await played.codex.turn(played.threadId, 'Work.');
    expect(end.params.turn?.status).toBe('failed');
    expect(failure(end)).toEqual(info);
  });

  test('asks again after a cut stream', async () => {
    const played = await play(version, {
      replies: [
        { steps: [{ type: 'say', text: 'half' }, { type: 'cut' }] },
        { steps: [{ type: 'say', text: 'whole' }] },
      ],
    });
    await using _ = played.stack;
    const end = await played.codex.turn(played.threadId, 'Work.');
    expect(end.params.turn?.status).toBe('completed');
    expect(played.model.exchanges.map((exchange) => exchange.outcome)).toEqual(['cut', 'completed']);
  });

  test('delivers 20,000 deltas one by one', async () => {
    const played = await play(version, {
      replies: [{ steps: [{ type: 'deltas', count: 20_000, text: 'ab ' }] }],
    });
    await using _ = played.stack;
    await played.codex.turn(played.threadId, 'Go.');
    expect(played.codex.messages.filter((m) => m.method === 'item/agentMessage/delta')).toHaveLength(20_000);
  });
});
