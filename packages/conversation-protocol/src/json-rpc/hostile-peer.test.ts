import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createManualTimers } from '../../test/json-rpc/manual-timers.ts';
import { createRawPeer } from '../../test/json-rpc/raw-peer.ts';
import { JsonRpcError } from './json-rpc-error.ts';
import { createJsonRpcPeer } from './peer.ts';

const encoder = new TextEncoder();
const smallId = fc.oneof(fc.integer({ min: -1, max: 6 }), fc.constantFrom('0', '1', 'x', null, 1.5, true));
const method = fc.oneof(fc.constantFrom('ok', 'throw', 'hang', '__proto__', 'constructor'), fc.jsonValue());
const shape = fc.record(
  {
    id: smallId,
    method,
    params: fc.jsonValue(),
    result: fc.jsonValue(),
    error: fc.oneof(
      fc.jsonValue(),
      fc.record({ code: fc.jsonValue(), message: fc.jsonValue() }),
      fc.constant({ code: -32001, message: 'busy' }),
    ),
    jsonrpc: fc.jsonValue(),
  },
  { requiredKeys: [] },
);
const line = fc.oneof(
  { weight: 6, arbitrary: shape.map((message) => JSON.stringify(message)) },
  { weight: 1, arbitrary: fc.json() },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '{"__proto__":{"id":1,"result":"polluted","polluted":true}}',
      '{"id":1,"result":{"__proto__":{"polluted":true}}}',
      '{"constructor":{"prototype":{"polluted":true}},"method":"ok","id":3}',
      '{"method":"__proto__","params":{"__proto__":{"polluted":true}},"id":"__proto__"}',
      '{"id":"__proto__","result":{"polluted":true}}',
    ),
  },
);

describe('a peer that writes anything at all', () => {
  const strays: unknown[] = [];
  const onStray = (reason: unknown): void => void strays.push(reason);
  beforeEach(() => {
    strays.length = 0;
    process.on('unhandledRejection', onStray);
  });
  afterEach(() => void process.off('unhandledRejection', onStray));

  it('gets one valid answer for each of its requests, hangs nothing and throws nowhere', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 30 }), fc.array(fc.nat()), async (lines, places) => {
        const remote = createRawPeer();
        const timers = createManualTimers();
        const started: (string | number)[] = [];
        const peer = createJsonRpcPeer({
          readable: remote.readable,
          writable: remote.writable,
          timers,
          handlerDeadlineMs: 1_000,
          maxLineBytes: 100_000,
          onProtocolError: () => {},
          onNotification({ method }) {
            if (method === 'throw') throw new Error('notification');
          },
          onRequest({ id, method }) {
            started.push(id);
            if (method === 'throw') throw new Error('request');
            return method === 'hang' ? new Promise(() => {}) : {};
          },
        });
        const requests = Promise.allSettled(
          [1, 2, 3].map((n) => peer.request(`ours ${n}`, {}, { deadlineMs: 2_000 })),
        );
        const bytes = encoder.encode(lines.map((text) => `${text}\n`).join(''));
        const edges = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].toSorted(
          (a, b) => a - b,
        );
        for (const [index, edge] of edges.slice(1).entries())
          remote.sendRaw(bytes.subarray(edges[index], edge));
        await new Promise((resolve) => setImmediate(resolve));
        timers.advance(5_000);
        for (const outcome of await requests) {
          if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(JsonRpcError);
        }
        remote.end();
        expect(await peer.closed).toEqual({ kind: 'ended', error: undefined });
        expect(timers.pending).toBe(0);

        const said = remote.unread as Record<string, unknown>[];
        const answers = said.filter((message) => !('method' in message));
        for (const answer of answers) {
          expect(answer['jsonrpc']).toBe('2.0');
          expect('result' in answer).not.toBe('error' in answer);
          if ('error' in answer)
            expect(answer['error']).toEqual({ code: expect.any(Number), message: expect.any(String) });
        }
        const refused = answers.filter(({ id, error }) => id === null || isInvalidRequest(error));
        const ids = answers.filter((answer) => !refused.includes(answer)).map(({ id }) => id);
        expect(ids.toSorted(byJson)).toEqual(started.toSorted(byJson));
        expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
      }),
      { numRuns: 150 },
    );
    expect(strays).toEqual([]);
  });

  it('that sends any bytes at all ends the connection at the worst', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1 })), async (chunks) => {
        const remote = createRawPeer();
        const timers = createManualTimers();
        const peer = createJsonRpcPeer({
          readable: remote.readable,
          writable: remote.writable,
          timers,
          maxLineBytes: 8,
        });
        const request = peer.request('a').catch((error: unknown) => error);
        for (const chunk of chunks) remote.sendRaw(chunk);
        remote.end();
        expect(await request).toMatchObject({ code: 'closed' });
        expect(['ended', 'failed']).toContain((await peer.closed).kind);
        expect(timers.pending).toBe(0);
      }),
    );
    expect(strays).toEqual([]);
  });
});

function isInvalidRequest(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === -32600;
}

function byJson(a: unknown, b: unknown): number {
  const [left, right] = [JSON.stringify(a), JSON.stringify(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}
