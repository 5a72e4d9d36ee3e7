import type { TurnFailureCode } from '@seedbed/conversation-protocol';
import { describe, expect, it } from 'vitest';
import { supportedVersions } from '../../test/codex-binaries.ts';
import { codexOnHosts } from '../../test/codex-on-hosts.ts';
import { allEvents, eventOf, openScriptedTask } from '../../test/scripted-task.ts';
import type { Step } from '../testing/index.ts';

const codexes = codexOnHosts();

/** A step, and what it may be called: the versions differ in how much they tell apart. */
const failures: readonly [string, Step, ...TurnFailureCode[]][] = [
  ['401', { type: 'fail', status: 401, message: 'no' }, 'unauthorized'],
  [
    '429 with the quota used up',
    { type: 'fail', status: 429, code: 'usage_limit_reached', message: 'no more' },
    'usage-limit',
  ],
  ['429', { type: 'fail', status: 429, message: 'slow down' }, 'rate-limit'],
  ['500', { type: 'fail', status: 500, message: 'broken' }, 'too-many-retries', 'internal'],
  [
    'a context that is too long',
    { type: 'fail', code: 'context_length_exceeded', message: 'too long' },
    'context-window',
  ],
  ['a cut stream', { type: 'cut' }, 'stream-cut', 'too-many-retries'],
];

describe.each(supportedVersions)('a provider that answers Codex %s with', (version) => {
  it.each(failures)('%s', { timeout: 120_000 }, async (_, step, ...codes) => {
    await using task = await openScriptedTask({
      version,
      story: { replies: [{ steps: [step], times: 'always' }] },
    });
    const { outcome } = await task.conversation.run('Hi', { deadlineMs: 90_000 });
    expect(codes).toContain(outcome.status === 'failed' ? outcome.failure.code : outcome.status);
  });

  it('a cut once: it is asked again, and the viewer is told', async () => {
    await using task = await openScriptedTask({
      version,
      story: [[{ type: 'say', text: 'Half' }, { type: 'cut' }], [{ type: 'say', text: 'Whole.' }]],
    });
    expect(await task.conversation.run('Hi')).toMatchObject({
      outcome: { status: 'completed' },
      finalMessage: 'Whole.',
    });
    expect(await eventOf(task.conversation, 'error')).toMatchObject({ willRetry: true });
  });
});

describe.each(codexes)('a turn of Codex $version $where', ({ open }) => {
  it('that is not answered is interrupted at its deadline', async () => {
    await using task = await open({
      story: { replies: [{ steps: [{ type: 'hang' }], times: 'always' }] },
    });
    const { outcome } = await task.conversation.run('Hi', { deadlineMs: 500 });
    expect(outcome).toMatchObject({ status: 'failed', failure: { code: 'deadline' } });
    expect((await task.conversation.submit({ id: 'n', op: { type: 'rename', name: 'alive' } })).type).toBe(
      'done',
    );
  });

  it('that is not answered is interrupted by the caller’s signal, and the next one works', async () => {
    await using task = await open({
      story: { replies: [{ steps: [{ type: 'hang' }] }, { steps: [{ type: 'say', text: 'Now.' }] }] },
    });
    const stop = new AbortController();
    const running = task.conversation.run('Hi', { signal: stop.signal });
    await task.model.waitForRequest(0);
    stop.abort();
    expect((await running).outcome).toEqual({ status: 'interrupted' });
    expect(await task.conversation.run('Again')).toMatchObject({ finalMessage: 'Now.' });
  });

  it('of 60,000 pieces loses none, whoever reads slowly', { timeout: 120_000 }, async () => {
    await using task = await open({
      story: [[{ type: 'deltas', count: 60_000, text: 'x' }]],
    });
    const result = await task.conversation.run('Write', { deadlineMs: 90_000 });
    expect(result.finalMessage).toHaveLength(60_000);
    await task.conversation.end();
    const deltas = (await allEvents(task.conversation)).flatMap(({ msg }) =>
      msg.type === 'message-delta' ? [msg.text] : [],
    );
    expect(deltas.join('')).toHaveLength(60_000);
  });
});

const newest = codexes.filter(({ version }) => version === '0.169.0');

it.each(newest)(
  '24 conversations that are started at once $where all start, and each hears its own answer',
  async ({ open }) => {
    await using stack = new AsyncDisposableStack();
    const opening = Array.from({ length: 24 }, (_, index) =>
      open({
        story: [[{ type: 'say', text: `I am ${index}.` }]],
        // Two dozen programs that start at the same time are slow each.
        deadlines: { startMs: 150_000, requestMs: 150_000 },
      }).then((task) => stack.use(task)),
    );
    const tasks = await Promise.all(opening);
    const answers = await Promise.all(tasks.map((task) => task.conversation.run('Who are you?')));
    expect(answers.map((answer) => answer.finalMessage)).toEqual(tasks.map((_, index) => `I am ${index}.`));
  },
  180_000,
);

it('a turn that is given up before Codex has begun it is interrupted, and Codex goes on', async () => {
  await using task = await openScriptedTask({
    version: '0.169.0',
    story: {
      replies: [{ when: { lastUserText: 'Hi' }, steps: [{ type: 'hang' }] }],
      otherwise: [{ type: 'say', text: 'Now.' }],
    },
  });
  const stop = new AbortController();
  const running = task.conversation.run('Hi', { signal: stop.signal });
  stop.abort();
  expect((await running).outcome).toEqual({ status: 'interrupted' });
  expect((await task.conversation.run('Again')).outcome).toEqual({ status: 'completed' });
});
