import { beforeAll, describe, expect, test } from 'vitest';
import { codexBinary, downloadTimeout, supportedVersions } from '../../test/codex-binaries.ts';
import { failureOf, playStory } from '../../test/scripted-codex.ts';

beforeAll(() => Promise.all(supportedVersions.map(codexBinary)), downloadTimeout);

describe.each(supportedVersions)('the real Codex %s', (version) => {
  test.each([
    ['a used up limit', { type: 'fail', status: 429, code: 'usage_limit_reached' }, 'usageLimitExceeded', 1],
    ['an exhausted quota', { type: 'fail', code: 'insufficient_quota' }, 'usageLimitExceeded', 1],
    ['a full context', { type: 'fail', code: 'context_length_exceeded' }, 'contextWindowExceeded', 1],
    [
      'an overloaded service',
      { type: 'fail', status: 503, code: 'server_is_overloaded' },
      'serverOverloaded',
      2,
    ],
    ['a broken service', { type: 'fail', status: 500 }, 'internalServerError', 4],
    ['a refused request', { type: 'fail', status: 400, code: 'invalid_request' }, 'other', 1],
    ['a cut stream', { type: 'cut' }, 'other', 2],
    ['a stream without its end', { type: 'end' }, 'other', 2],
  ] as const)('fails a turn by %s', async (_name, step, info, requests) => {
    await using played = await playStory(version, { replies: [{ steps: [step], times: 'always' }] });
    const end = await played.codex.turn(played.threadId, 'Work.');
    expect(end.params.turn?.status).toBe('failed');
    expect(failureOf(end)).toEqual(info);
    expect(played.model.requests).toHaveLength(requests);
  });

  test('tells the status of a service that stays too busy', async () => {
    await using played = await playStory(version, {
      replies: [{ steps: [{ type: 'fail', status: 429, code: 'rate_limit_exceeded' }], times: 'always' }],
    });
    const end = await played.codex.turn(played.threadId, 'Work.');
    expect(failureOf(end)).toEqual({ responseTooManyFailedAttempts: { httpStatusCode: 429 } });
  });

  test('is let in with the key that the model requires, and with no other', async () => {
    const story = { replies: [] };
    await using right = await playStory(version, story, { requireKey: 'sk-right' });
    expect((await right.codex.turn(right.threadId, 'Hi.')).params.turn?.status).toBe('completed');
    expect(right.model.requests[0]?.headers['authorization']).toBe('[secret]');

    await using wrong = await playStory(version, story, {
      requireKey: 'sk-right',
      env: { SCRIPTED_MODEL_KEY: 'sk-wrong' },
    });
    const end = await wrong.codex.turn(wrong.threadId, 'Hi.');
    expect(end.params.turn).toMatchObject({
      status: 'failed',
      error: { message: expect.stringContaining('401 Unauthorized') },
    });
    expect(wrong.model.requests).toEqual([]);
    expect(wrong.model.refused).toContainEqual({ method: 'POST', path: '/v1/responses', status: 401 });
  });

  test('asks again after a cut stream', async () => {
    await using played = await playStory(version, {
      replies: [
        { steps: [{ type: 'say', text: 'half' }, { type: 'cut' }] },
        { steps: [{ type: 'say', text: 'whole' }] },
      ],
    });
    const end = await played.codex.turn(played.threadId, 'Work.');
    expect(end.params.turn?.status).toBe('completed');
    expect(played.model.exchanges.map(({ outcome }) => outcome)).toEqual(['cut', 'completed']);
    const errors = played.codex.messages.filter(({ method }) => method === 'error');
    expect(errors).toMatchObject([{ params: { willRetry: true } }]);
  });

  test('is not confused by garbage between the events', async () => {
    const garbage = 'data: {"type":"response.nonsense"\n\nevent: ?\ndata: 5\n\nhello\n\n';
    await using played = await playStory(version, {
      replies: [
        {
          steps: [
            { type: 'garbage', text: garbage },
            { type: 'say', text: 'fine' },
          ],
        },
      ],
    });
    const end = await played.codex.turn(played.threadId, 'Work.');
    expect(end.params.turn?.status).toBe('completed');
  });

  test('gives up on a stream that hangs', async () => {
    await using played = await playStory(
      version,
      { replies: [{ steps: [{ type: 'say', text: 'half' }, { type: 'hang' }], times: 'always' }] },
      { provider: { streamIdleTimeoutMs: 300, retries: 0 } },
    );
    const end = await played.codex.turn(played.threadId, 'Work.');
    expect(end.params.turn).toMatchObject({
      status: 'failed',
      error: { message: expect.stringContaining('idle timeout') },
    });
    await expect
      .poll(() => played.model.exchanges.map(({ outcome }) => outcome), { timeout: 20_000 })
      .toEqual(['hung']);
  });

  test('can be interrupted while the model says nothing at all', async () => {
    await using played = await playStory(version, {
      replies: [{ steps: [{ type: 'hang', headers: false }] }],
    });
    const { codex, model, threadId } = played;
    const started = codex.next(({ method }) => method === 'turn/started');
    const completed = codex.turn(threadId, 'Work.');
    await model.waitForRequest(0);
    await codex.request('turn/interrupt', { threadId, turnId: (await started).params.turn?.id });
    expect((await completed).params.turn?.status).toBe('interrupted');
  });

  test.each([20_000, 60_000])('hears %i deltas one by one', { timeout: 120_000 }, async (count) => {
    await using played = await playStory(version, {
      replies: [{ steps: [{ type: 'deltas', count, text: 'ab ' }] }],
    });
    await played.codex.turn(played.threadId, 'Go.');
    const deltas = played.codex.messages.filter(({ method }) => method === 'item/agentMessage/delta');
    expect(deltas).toHaveLength(count);
  });
});
