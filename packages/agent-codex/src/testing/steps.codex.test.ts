import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { codexBinary, downloadTimeout, supportedVersions } from '../../test/codex-binaries.ts';
import { type CodexMessage, completedItems, playStory } from '../../test/scripted-codex.ts';

beforeAll(() => Promise.all(supportedVersions.map(codexBinary)), downloadTimeout);

const patch = '*** Begin Patch\n*** Add File: greeting.txt\n+hello\n*** End Patch\n';
const pixel =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

function deltas(messages: readonly CodexMessage[], method: string): unknown[] {
  return messages.filter((message) => message.method === method).map((message) => message.params.delta);
}

describe.each(supportedVersions)('the real Codex %s does what the model', (version) => {
  test('says, in as many pieces', async () => {
    await using played = await playStory(version, {
      replies: [{ steps: [{ type: 'say', text: 'Grüße 🌱!', delivery: { characters: 2 } }] }],
    });
    const end = await played.codex.turn(played.threadId, 'Say something.');
    expect(end.params.turn?.status).toBe('completed');
    expect(deltas(played.codex.messages, 'item/agentMessage/delta')).toEqual(['Gr', 'üß', 'e ', '🌱!']);
    expect(completedItems(played.codex, 'agentMessage')).toMatchObject([{ text: 'Grüße 🌱!' }]);
    expect(played.model.requests[0]?.input.at(-1)).toMatchObject({ author: 'user', text: 'Say something.' });
  });

  test('thinks, as a summary and raw', async () => {
    await using played = await playStory(version, {
      replies: [
        {
          steps: [
            { type: 'think', summary: '**Looking**', raw: 'hm' },
            { type: 'say', text: 'Yes.' },
          ],
        },
      ],
    });
    await played.codex.turn(played.threadId, 'Think.');
    expect(deltas(played.codex.messages, 'item/reasoning/summaryTextDelta')).toEqual(['**Looking**']);
    expect(deltas(played.codex.messages, 'item/reasoning/textDelta')).toEqual(['hm']);
    expect(completedItems(played.codex, 'reasoning')).toMatchObject([
      { summary: ['**Looking**'], content: ['hm'] },
    ]);
  });

  test('runs and patches, and hears what came of it', async () => {
    await using played = await playStory(version, {
      replies: [
        { steps: [{ type: 'run', command: 'echo from the shell', workdir: '/' }] },
        { steps: [{ type: 'patch', patch }] },
        { steps: [{ type: 'say', text: 'Done.' }] },
      ],
    });
    const end = await played.codex.turn(played.threadId, 'Work.');
    expect(end.params.turn?.status).toBe('completed');
    expect(completedItems(played.codex, 'fileChange')).toMatchObject([{ status: 'completed' }]);
    expect(await readFile(join(played.home.workspace, 'greeting.txt'), 'utf8')).toBe('hello\n');
    const outputs = played.model.requests.map((request) => request.input.at(-1));
    expect(outputs[1]).toMatchObject({
      name: 'exec_command',
      text: expect.stringContaining('from the shell'),
    });
    expect(outputs[2]).toMatchObject({ text: expect.stringContaining('greeting.txt') });
    expect(played.model.exchanges.map(({ outcome }) => outcome)).toEqual([
      'completed',
      'completed',
      'completed',
    ]);
  });

  test('patches with the tool of a model of the catalogue', async () => {
    await using played = await playStory(
      version,
      { replies: [{ steps: [{ type: 'patch', patch }] }] },
      { provider: { model: 'gpt-5.5' } },
    );
    await played.codex.turn(played.threadId, 'Work.');
    expect(await readFile(join(played.home.workspace, 'greeting.txt'), 'utf8')).toBe('hello\n');
    expect(played.model.requests[1]?.input.at(-1)).toMatchObject({ name: 'apply_patch' });
    expect(played.codex.messages.filter(({ method }) => method === 'warning')).toEqual([]);
  });

  test('asks before it leaves the sandbox', async () => {
    await using played = await playStory(version, {
      replies: [{ steps: [{ type: 'run', command: 'true', escalate: 'May I?', prefixRule: ['true'] }] }],
    });
    await played.codex.turn(played.threadId, 'Work.');
    expect(played.asked).toMatchObject([
      { method: 'item/commandExecution/requestApproval', params: { reason: 'May I?' } },
    ]);
  });

  test('plans', async () => {
    await using played = await playStory(
      version,
      { replies: [{ steps: [{ type: 'plan', steps: [{ step: 'look', status: 'in_progress' }] }] }] },
      { provider: { offerAllTools: true } },
    );
    await played.codex.turn(played.threadId, 'Plan.');
    const plans = played.codex.messages.filter(({ method }) => method === 'turn/plan/updated');
    expect(plans).toMatchObject([{ params: { plan: [{ step: 'look', status: 'inProgress' }] } }]);
  });

  test('asks the person, and hears the answer', async () => {
    const options = [
      { label: 'Blue', description: 'as the sky' },
      { label: 'Red', description: 'as a rose' },
    ];
    await using played = await playStory(
      version,
      {
        replies: [
          {
            steps: [{ type: 'ask', questions: [{ id: 'c', header: 'Colour', question: 'Which?', options }] }],
          },
        ],
      },
      { provider: { offerAllTools: true }, answer: () => ({ answers: { c: { answers: ['Blue'] } } }) },
    );
    await played.codex.turn(played.threadId, 'Ask.');
    expect(played.asked).toMatchObject([
      { method: 'item/tool/requestUserInput', params: { questions: [{ id: 'c', question: 'Which?' }] } },
    ]);
    expect(played.model.requests[1]?.input.at(-1)).toMatchObject({ text: expect.stringContaining('Blue') });
  });

  test('asks for permissions', async () => {
    await using played = await playStory(
      version,
      {
        replies: [
          { steps: [{ type: 'requestPermissions', reason: 'to write', write: ['/var/tmp'], network: true }] },
        ],
      },
      { provider: { offerAllTools: true }, answer: () => ({ permissions: {}, scope: 'turn' }) },
    );
    await played.codex.turn(played.threadId, 'Ask.');
    expect(played.asked).toMatchObject([
      {
        method: 'item/permissions/requestApproval',
        params: {
          reason: 'to write',
          permissions: { network: { enabled: true }, fileSystem: { write: ['/var/tmp'] } },
        },
      },
    ]);
  });

  test('calls: a tool of the program that drives it', async () => {
    const lookup = {
      type: 'function',
      name: 'lookup',
      description: '',
      inputSchema: { type: 'object', properties: {} },
    };
    await using played = await playStory(
      version,
      { replies: [{ steps: [{ type: 'callTool', name: 'lookup', arguments: { q: 1 } }] }] },
      {
        thread: { dynamicTools: [lookup] },
        answer: () => ({ success: true, contentItems: [{ type: 'inputText', text: 'found' }] }),
      },
    );
    await played.codex.turn(played.threadId, 'Look it up.');
    expect(played.asked).toMatchObject([
      { method: 'item/tool/call', params: { tool: 'lookup', arguments: { q: 1 } } },
    ]);
    expect(played.model.requests[1]?.input.at(-1)).toMatchObject({ name: 'lookup', text: 'found' });
  });

  test('calls: a tool of an MCP server', async () => {
    const program = join(import.meta.dirname, '../../test/lookup-mcp-server.mjs');
    await using played = await playStory(
      version,
      {
        replies: [
          { steps: [{ type: 'callTool', namespace: 'mcp__archive', name: 'lookup', arguments: { q: 1 } }] },
        ],
      },
      {
        config: {
          mcp_servers: { archive: { command: process.execPath, args: [program], startup_timeout_sec: 60 } },
        },
        answer: () => ({ action: 'accept', content: null, _meta: null }),
      },
    );
    await played.codex.turn(played.threadId, 'Look it up.');
    expect(completedItems(played.codex, 'mcpToolCall')).toMatchObject([
      { server: 'archive', tool: 'lookup', status: 'completed' },
    ]);
    expect(played.model.requests[1]?.input.at(-1)).toMatchObject({
      namespace: 'mcp__archive',
      name: 'lookup',
      text: expect.stringContaining('found'),
    });
  });

  test('looks at an image', async () => {
    await using played = await playStory(version, {
      replies: [{ steps: [{ type: 'viewImage', path: 'pixel.png' }] }],
    });
    await writeFile(join(played.home.workspace, 'pixel.png'), Buffer.from(pixel, 'base64'));
    await played.codex.turn(played.threadId, 'Look.');
    expect(played.model.requests[1]?.input.at(-1)).toMatchObject({
      images: [`data:image/png;base64,${pixel}`],
    });
  });

  test('searches the web at the service', async () => {
    await using played = await playStory(version, {
      replies: [
        {
          steps: [
            { type: 'webSearch', query: 'weather' },
            { type: 'say', text: 'Rain.' },
          ],
        },
      ],
    });
    await played.codex.turn(played.threadId, 'Search.');
    expect(completedItems(played.codex, 'webSearch')).toMatchObject([{ query: 'weather' }]);
  });

  test('costs', async () => {
    await using played = await playStory(version, {
      replies: [
        {
          steps: [
            { type: 'usage', inputTokens: 70, cachedInputTokens: 20, outputTokens: 7, reasoningTokens: 3 },
          ],
        },
      ],
    });
    await played.codex.turn(played.threadId, 'Count.');
    const updates = played.codex.messages.filter(({ method }) => method === 'thread/tokenUsage/updated');
    expect(updates.at(-1)?.params).toMatchObject({
      tokenUsage: {
        last: { inputTokens: 70, cachedInputTokens: 20, outputTokens: 7, reasoningOutputTokens: 3 },
      },
    });
  });

  test('holds until it is released, so that a turn can be steered', async () => {
    await using played = await playStory(version, {
      replies: [
        {
          steps: [
            { type: 'say', text: 'Wait' },
            { type: 'hold', name: 'steered' },
          ],
        },
        { steps: [{ type: 'say', text: 'Heard.' }] },
      ],
    });
    const { codex, model, threadId } = played;
    const started = codex.next(({ method }) => method === 'turn/started');
    const completed = codex.turn(threadId, 'Begin.');
    const turnId = (await started).params.turn?.id;
    await model.waitForRequest(0);
    await codex.request('turn/steer', {
      threadId,
      expectedTurnId: turnId,
      input: [{ type: 'text', text: 'Left!' }],
    });
    model.release('steered');
    await completed;
    expect(model.requests[1]?.input.at(-1)).toMatchObject({ author: 'user', text: 'Left!' });
  });
});

test('the real Codex 0.169.0 runs the JavaScript of its newer models', async () => {
  await using played = await playStory(
    '0.169.0',
    {
      replies: [
        {
          steps: [
            {
              type: 'callCustomTool',
              name: 'exec',
              input: 'text((await tools.exec_command({ cmd: "echo from js" })).output)',
            },
          ],
        },
        { steps: [{ type: 'run', command: 'echo directly' }] },
      ],
    },
    { provider: { model: 'gpt-5.6-luna' } },
  );
  await played.codex.turn(played.threadId, 'Work.');
  expect(played.model.requests[0]?.tools).toContainEqual({
    name: 'exec',
    namespace: 'functions',
    type: 'custom',
  });
  expect(played.model.requests[1]?.input.at(-1)).toMatchObject({
    name: 'exec',
    text: expect.stringContaining('from js'),
  });
  expect(played.model.requests[2]?.input.at(-1)).toMatchObject({ text: expect.stringContaining('directly') });
  expect(completedItems(played.codex, 'commandExecution')).toHaveLength(2);
});
