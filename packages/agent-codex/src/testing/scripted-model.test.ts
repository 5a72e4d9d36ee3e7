import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { networkInterfaces } from 'node:os';
import { zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openScriptedModel, type ScriptedModel } from './scripted-model.ts';

const body = JSON.stringify({ model: 'm', input: [{ type: 'message', role: 'user', content: 'Hello' }] });

function ask(model: ScriptedModel, init: RequestInit = {}): Promise<Response> {
  return fetch(`${model.url}/responses`, { method: 'POST', body, ...init });
}

describe('a scripted model', () => {
  test('streams a reply and completes it', async () => {
    await using model = await openScriptedModel({
      story: { replies: [{ steps: [{ type: 'say', text: 'Hi' }] }] },
    });
    const response = await ask(model);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const types = [...(await response.text()).matchAll(/^event: (.*)$/gm)].map((match) => match[1]);
    expect(types).toEqual([
      'response.created',
      'response.output_item.added',
      'response.output_text.delta',
      'response.output_item.done',
      'response.completed',
    ]);
  });

  test('reads requests that are packed', async () => {
    await using model = await openScriptedModel({ story: { replies: [] } });
    const headers = { 'content-encoding': 'zstd' };
    await (await ask(model, { headers, body: zstdCompressSync(Buffer.from(body)) })).text();
    expect(model.requests).toMatchObject([{ input: [{ author: 'user', text: 'Hello' }] }]);
  });

  test.each([
    ['no JSON', 'POST', '/responses', '{', 400],
    ['no request', 'POST', '/responses', '[]', 400],
    ['another path', 'POST', '/embeddings', body, 404],
    ['another method', 'GET', '/models', undefined, 404],
  ])('refuses %s, and remembers it', async (_name, method, path, sent, status) => {
    await using model = await openScriptedModel({ story: { replies: [] } });
    const response = await fetch(`${model.url}${path}`, {
      method,
      ...(sent === undefined ? {} : { body: sent }),
    });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { message: expect.any(String) } });
    expect(model.refused).toEqual([{ method, path: `/v1${path}`, status }]);
    expect(model.requests).toEqual([]);
  });

  test('refuses a packed body that is damaged', async () => {
    await using model = await openScriptedModel({ story: { replies: [] } });
    const response = await ask(model, { headers: { 'content-encoding': 'gzip' }, body: 'not gzip' });
    expect(response.status).toBe(400);
  });

  test('refuses a body that is huge once unpacked', async () => {
    await using model = await openScriptedModel({ story: { replies: [] } });
    const bomb = zstdCompressSync(Buffer.alloc(65 * 1024 * 1024));
    const response = await ask(model, { headers: { 'content-encoding': 'zstd' }, body: bomb });
    expect(response.status).toBe(413);
  });

  test('refuses a web socket', async () => {
    await using model = await openScriptedModel({ story: { replies: [] } });
    const headers = { connection: 'Upgrade', upgrade: 'websocket' };
    const [response] = await once(httpRequest(`${model.url}/responses`, { headers }).end(), 'response');
    expect(response.statusCode).toBe(404);
    expect(model.refused).toEqual([{ method: 'UPGRADE', path: '/v1/responses', status: 404 }]);
  });

  test('lets nobody in without the key, and shows it to nobody', async () => {
    const requireKey = 'a-key-for-this-test';
    await using model = await openScriptedModel({ story: { replies: [] }, requireKey });
    expect((await ask(model)).status).toBe(401);
    expect((await ask(model, { headers: { authorization: 'Bearer another-key' } })).status).toBe(401);
    await (
      await ask(model, { headers: { authorization: `Bearer ${requireKey}`, 'x-api-key': requireKey } })
    ).text();
    expect(JSON.stringify(model.requests)).not.toContain(requireKey);
    expect(JSON.stringify(model.providerConfig())).not.toContain(requireKey);
  });

  test('is not to be reached from outside', async () => {
    await using model = await openScriptedModel({ story: { replies: [] } });
    const outside = Object.values(networkInterfaces()).flatMap((list) =>
      (list ?? []).filter((address) => !address.internal && address.family === 'IPv4'),
    );
    expect(new URL(model.url).hostname).toBe('127.0.0.1');
    for (const { address } of outside) {
      const url = Object.assign(new URL(model.url), { hostname: address });
      await expect(fetch(url)).rejects.toThrow();
    }
  });

  test('gives a request to those who waited, before and after it came', async () => {
    await using model = await openScriptedModel({ story: { replies: [] } });
    const waiting = model.waitForRequest(({ input }) => input.length === 1);
    await (await ask(model)).text();
    expect((await waiting).index).toBe(0);
    expect((await model.waitForRequest(0)).index).toBe(0);
  });

  test('lets go those who wait when their signal fires, and when it closes', async () => {
    const model = await openScriptedModel({ story: { replies: [] } });
    const abort = new AbortController();
    const aborted = model.waitForRequest(0, { signal: abort.signal });
    const closed = model.waitForRequest(0);
    abort.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'aborted' });
    const settled = expect(closed).rejects.toMatchObject({ code: 'closed' });
    await model[Symbol.asyncDispose]();
    await settled;
    await expect(model.waitForRequest(0)).rejects.toMatchObject({ code: 'closed' });
    await expect(model.waitForRequest(0, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'closed',
    });
  });

  test('closes while replies hang and hold', async () => {
    const model = await openScriptedModel({
      story: {
        replies: [{ steps: [{ type: 'hang', headers: false }] }, { steps: [{ type: 'hold', name: 'h' }] }],
      },
    });
    const asked = [ask(model), ask(model)].map((answer) =>
      answer.then(
        () => 'answered',
        () => 'gone',
      ),
    );
    await model.waitForRequest(1);
    await model[Symbol.asyncDispose]();
    expect(await Promise.all(asked)).toEqual(['gone', 'gone']);
    await expect
      .poll(() => model.exchanges.map(({ outcome }) => outcome), { timeout: 20_000 })
      .toEqual(['hung', 'interrupted']);
  });

  test('hands on what a predicate throws', async () => {
    await using model = await openScriptedModel({ story: { replies: [] } });
    const fail = (): boolean => {
      throw new Error('no such member');
    };
    const waiting = expect(model.waitForRequest(fail)).rejects.toThrow('no such member');
    await (await ask(model)).text();
    await waiting;
    await expect(model.waitForRequest(fail)).rejects.toThrow('no such member');
  });

  test('knows its holds', async () => {
    await using model = await openScriptedModel({
      story: { replies: [{ steps: [{ type: 'hold', name: 'door' }] }] },
    });
    expect(() => model.release('dor')).toThrow(/has no such hold. It has: "door"/);
    model.release('door');
    expect((await ask(model)).status).toBe(200);
  });

  test('waits for a slow reader instead of filling the memory', async () => {
    await using model = await openScriptedModel({
      story: { replies: [{ steps: [{ type: 'deltas', count: 1_000_000, text: 'x'.repeat(64) }] }] },
    });
    const abort = new AbortController();
    const response = await ask(model, { signal: abort.signal });
    const reader = response.body?.getReader();
    await reader?.read();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(model.exchanges.map(({ outcome }) => outcome)).toEqual(['under-way']);
    abort.abort();
    await expect
      .poll(() => model.exchanges.map(({ outcome }) => outcome), { timeout: 20_000 })
      .toEqual(['interrupted']);
  });

  test('refuses a story that is none before it listens', async () => {
    const story = JSON.parse('{"replies":[{"steps":[{"type":"sing"}]}]}');
    await expect(openScriptedModel({ story })).rejects.toMatchObject({ code: 'invalid-story' });
  });

  test('says when its port is taken', async () => {
    await using first = await openScriptedModel({ story: { replies: [] } });
    const port = Number(new URL(first.url).port);
    await expect(openScriptedModel({ story: { replies: [] }, port })).rejects.toMatchObject({
      code: 'cannot-listen',
      message: expect.stringContaining('EADDRINUSE'),
    });
  });
});

describe('a transcript', () => {
  test('is bounded, and cuts long texts', async () => {
    await using model = await openScriptedModel({
      story: { replies: [], otherwise: [{ type: 'say', text: 'ä'.repeat(5000) }] },
    });
    for (let index = 0; index < 10; index += 1) await (await ask(model)).text();
    expect(model.transcript({ textLength: 20 })).toContain(`says: ${'ä'.repeat(20)}… (5000 characters)`);
    const short = model.transcript({ totalLength: 1000 });
    expect(short.length).toBeLessThan(1200);
    expect(short).toMatch(/… \d further requests left out/);
  });

  test('shows no part of a key, wherever a text is cut', async () => {
    const requireKey = 'QWERTZUIOPASDFGHJKLYXCVBNM';
    await using model = await openScriptedModel({ story: { replies: [] }, requireKey });
    const sent = JSON.stringify({
      model: 'm',
      input: [{ type: 'message', role: 'user', content: requireKey }],
    });
    await (await ask(model, { body: sent, headers: { authorization: `Bearer ${requireKey}` } })).text();
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40 }), (textLength) => {
        expect(model.transcript({ textLength })).not.toContain('QWE');
      }),
    );
  });

  test('keeps its hands off the terminal, and off words that contain a short key', async () => {
    await using model = await openScriptedModel({ story: { replies: [] } });
    const content = '\u001b[2Jlooks\u0007';
    const sent = JSON.stringify({ model: 'm', input: [{ type: 'message', role: 'user', content }] });
    await (await ask(model, { body: sent, headers: { authorization: 'Bearer o' } })).text();
    expect(model.transcript()).toContain('user: \\x1b[2Jlooks\\x07');
  });

  test('hides keys, also those that nobody told it of', async () => {
    await using model = await openScriptedModel({ story: { replies: [] } });
    const text = 'mine: sk-proj-0123456789abcdefghij, and token-of-the-header';
    const sent = JSON.stringify({ model: 'm', input: [{ type: 'message', role: 'user', content: text }] });
    await (await ask(model, { body: sent, headers: { authorization: 'Bearer token-of-the-header' } })).text();
    expect(model.transcript()).toContain('user: mine: [secret], and [secret]');
  });
});
