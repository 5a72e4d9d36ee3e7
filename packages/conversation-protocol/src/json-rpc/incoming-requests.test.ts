import { describe, expect, it, vi } from 'vitest';
import { createManualTimers } from '../../test/json-rpc/manual-timers.ts';
import { createRawPeer } from '../../test/json-rpc/raw-peer.ts';
import type { IncomingRequest } from './incoming-requests.ts';
import { JsonRpcError } from './json-rpc-error.ts';
import { createJsonRpcPeer, type JsonRpcPeerOptions } from './peer.ts';

function connect(options: Partial<JsonRpcPeerOptions> = {}) {
  const remote = createRawPeer();
  const timers = createManualTimers();
  const problems: JsonRpcError[] = [];
  const peer = createJsonRpcPeer({
    readable: remote.readable,
    writable: remote.writable,
    dialect: { jsonrpcMember: false },
    onProtocolError: (error) => problems.push(error),
    timers,
    ...options,
  });
  return { remote, timers, problems, peer };
}

const internalError = { code: -32603, message: 'Internal error.' };

describe('a request of the peer', () => {
  it.each([0, -1, 12, '', '0', 'a"\n'])('with the id %j gets its answer under the same id', async (id) => {
    const onRequest = vi.fn(({ params }: IncomingRequest) => ({ got: params }));
    const { remote } = connect({ onRequest });
    remote.send({ id, method: 'ask', params: [1] });
    expect(await remote.next()).toEqual({ id, result: { got: [1] } });
    expect(onRequest).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ id, method: 'ask', params: [1] }),
    );
  });

  it.each([[undefined], [() => 1], [Symbol('s')], [{ toJSON: () => undefined }], [Number.NaN]])(
    'is answered null when its handler gives %o, which has no JSON form',
    async (result) => {
      const { remote } = connect({ onRequest: () => result });
      remote.send({ id: 0, method: 'ask' });
      expect(await remote.next()).toEqual({ id: 0, result: null });
    },
  );

  it('carries the jsonrpc member in its answer where the dialect has it', async () => {
    const { remote } = connect({ dialect: { jsonrpcMember: true }, onRequest: () => 1 });
    remote.send({ jsonrpc: '2.0', id: 0, method: 'ask' });
    expect(await remote.next()).toEqual({ jsonrpc: '2.0', id: 0, result: 1 });
  });

  it('is refused when nobody handles requests', async () => {
    const { remote } = connect();
    remote.send({ id: 0, method: 'attestation/generate' });
    expect(await remote.next()).toEqual({
      id: 0,
      error: { code: -32601, message: 'Method not found: attestation/generate' },
    });
  });

  it('is answered with an error that gives nothing away when its handler throws', async () => {
    const secret = new Error('token sk-123 refused');
    const thrown = [
      () => {
        throw secret;
      },
      () => Promise.reject(secret),
      () => Promise.reject(undefined),
      () => Promise.reject(new JsonRpcError('closed', 'another connection')),
      () => 1n,
    ];
    const { remote, problems } = connect({ onRequest: ({ params }) => thrown[Number(params)]?.() });
    for (const index of thrown.keys()) {
      remote.send({ id: index, method: 'ask', params: index });
      expect(await remote.next()).toEqual({ id: index, error: internalError });
    }
    expect(problems.map(({ code }) => code)).toEqual(thrown.map(() => 'handler-failed'));
    expect(problems[0]?.cause).toBe(secret);
  });

  it('is answered with the very error that its handler throws as an answer', async () => {
    const error = new JsonRpcError('remote-error', 'No such tool.', {
      remoteCode: -32602,
      data: { tool: 'x' },
    });
    const { remote, problems } = connect({ onRequest: () => Promise.reject(error) });
    remote.send({ id: 0, method: 'item/tool/call' });
    expect(await remote.next()).toEqual({
      id: 0,
      error: { code: -32602, message: 'No such tool.', data: { tool: 'x' } },
    });
    expect(problems).toEqual([]);
  });

  it.each([
    [{ remoteCode: Number.NaN }, { code: -32603, message: 'No.' }],
    [
      { remoteCode: 1.5, remoteMessage: 'Said by another.' },
      { code: -32603, message: 'Said by another.' },
    ],
    [{ data: 1n }, internalError],
  ])('is answered in a valid shape when the thrown answer is odd: %o', async (options, answer) => {
    const { remote } = connect({
      onRequest: () => Promise.reject(new JsonRpcError('remote-error', 'No.', options)),
    });
    remote.send({ id: 0, method: 'ask' });
    expect(await remote.next()).toEqual({ id: 0, error: answer });
  });

  it('is answered once, with an error, when its handler is too slow; the handler is told', async () => {
    const late = Promise.withResolvers<string>();
    let signal: AbortSignal | undefined;
    const { remote, timers, problems, peer } = connect({
      handlerDeadlineMs: 1_000,
      onRequest(request) {
        signal = request.signal;
        return late.promise;
      },
    });
    remote.send({ id: 0, method: 'ask' });
    await vi.waitFor(() => expect(timers.pending).toBe(1));
    expect(signal?.aborted).toBe(false);
    timers.advance(1_000);
    expect(await remote.next()).toEqual({ id: 0, error: internalError });
    expect(signal?.aborted).toBe(true);
    expect(problems).toMatchObject([{ code: 'handler-failed', cause: { code: 'deadline-exceeded' } }]);
    late.resolve('too late');
    await peer.notify('after');
    expect(remote.unread).toEqual([{ method: 'after' }]);
  });

  it('does not hold up what comes after it; handlers start in order', async () => {
    const started: unknown[] = [];
    const first = Promise.withResolvers<string>();
    const { remote, peer } = connect({
      onRequest({ id }) {
        started.push(id);
        return id === 0 ? first.promise : `${id}`;
      },
      onNotification: ({ method }) => void started.push(method),
    });
    remote.send({ id: 0, method: 'ask' }, { method: 'told' }, { id: 1, method: 'ask' });
    expect(await remote.next()).toEqual({ id: 1, result: '1' });
    expect(started).toEqual([0, 'told', 1]);
    const ours = peer.request('ours');
    remote.send({ id: 1, result: 'yes' });
    expect(await ours).toBe('yes');
    first.resolve('slow');
    expect(await remote.next()).toMatchObject({ method: 'ours' });
    expect(await remote.next()).toEqual({ id: 0, result: 'slow' });
  });

  it('is dropped and reported when its id is that of an open one, as an answer would go to the wrong one', async () => {
    const answer = Promise.withResolvers<string>();
    const onRequest = vi.fn(() => answer.promise);
    const { remote, problems } = connect({ onRequest });
    remote.send({ id: 0, method: 'first' }, { id: 0, method: 'second' }, { id: '0', method: 'other' });
    await vi.waitFor(() => expect(onRequest).toHaveBeenCalledTimes(2));
    answer.resolve('yes');
    expect([await remote.next(), await remote.next()]).toEqual([
      { id: 0, result: 'yes' },
      { id: '0', result: 'yes' },
    ]);
    expect(problems).toMatchObject([
      { code: 'duplicate-request', message: expect.stringContaining('second') },
    ]);
    remote.send({ id: 0, method: 'again' });
    expect(await remote.next()).toEqual({ id: 0, result: 'yes' });
  });

  it('is refused as overload when too many are open', async () => {
    const answer = Promise.withResolvers<string>();
    const { remote, problems } = connect({ maxOpenRequests: 2, onRequest: () => answer.promise });
    remote.send({ id: 0, method: 'a' }, { id: 1, method: 'b' }, { id: 2, method: 'c' });
    expect(await remote.next()).toMatchObject({ id: 2, error: { code: -32001 } });
    expect(problems).toMatchObject([{ code: 'overloaded' }]);
    answer.resolve('yes');
    expect(await remote.next()).toEqual({ id: 0, result: 'yes' });
    expect(await remote.next()).toEqual({ id: 1, result: 'yes' });
  });

  it.each([
    [{ id: 5, method: 7 }, 5],
    [{ id: null, method: 'a' }, null],
    [{ id: {}, method: 'a' }, null],
    [{ id: 1.5, method: 'a' }, null],
    [{ id: true, method: null }, null],
  ])('is refused when it is %j', async (request, id) => {
    const { remote, problems } = connect({ onRequest: () => 1 });
    remote.send(request);
    expect(await remote.next()).toEqual({ id, error: { code: -32600, message: expect.any(String) } });
    expect(problems).toMatchObject([{ code: 'invalid-message' }]);
  });

  it('is dropped without an answer when the connection is closed; its handler is told', async () => {
    const answer = Promise.withResolvers<string>();
    let signal: AbortSignal | undefined;
    const { remote, peer, problems } = connect({
      onRequest(request) {
        signal = request.signal;
        return answer.promise;
      },
    });
    remote.send({ id: 0, method: 'ask' });
    await vi.waitFor(() => expect(signal).toBeDefined());
    remote.end();
    await peer.closed;
    expect(signal?.reason).toMatchObject({ code: 'closed' });
    answer.reject(new Error('too late'));
    await Promise.resolve();
    expect(remote.unread).toEqual([]);
    expect(problems).toEqual([]);
  });

  it('ends the connection when its answer finds no place, rather than leave the peer waiting', async () => {
    const { remote, peer } = connect({ maxQueuedBytes: 50, onRequest: () => 'x'.repeat(50) });
    remote.send({ id: 0, method: 'ask' });
    expect(await peer.closed).toMatchObject({ kind: 'failed', error: { code: 'queue-full' } });
    expect(remote.inputEnded).toBe(true);
  });
});
