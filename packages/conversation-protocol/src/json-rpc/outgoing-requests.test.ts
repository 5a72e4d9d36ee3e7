import { describe, expect, it, vi } from 'vitest';
import { createManualTimers } from '../../test/json-rpc/manual-timers.ts';
import { createRawPeer } from '../../test/json-rpc/raw-peer.ts';
import type { JsonRpcError } from './json-rpc-error.ts';
import { createJsonRpcPeer, type JsonRpcPeerOptions } from './peer.ts';

function connect(options: Partial<JsonRpcPeerOptions> = {}) {
  const remote = createRawPeer();
  const timers = createManualTimers();
  const problems: JsonRpcError[] = [];
  const peer = createJsonRpcPeer({
    readable: remote.readable,
    writable: remote.writable,
    onProtocolError: (error) => problems.push(error),
    timers,
    random: () => 0.5,
    ...options,
  });
  return { remote, timers, problems, peer };
}

describe('a request that we send', () => {
  it('looks as the specification says', async () => {
    const { peer, remote } = connect();
    void peer.request('add', [1, 2]).catch(() => {});
    void peer.request('ping').catch(() => {});
    expect(await remote.next()).toEqual({ jsonrpc: '2.0', id: 1, method: 'add', params: [1, 2] });
    expect(await remote.next()).toEqual({ jsonrpc: '2.0', id: 2, method: 'ping' });
  });

  it('looks as Codex has it when told so', async () => {
    const { peer, remote } = connect({ dialect: { jsonrpcMember: false } });
    void peer.request('initialize', { a: 'é\n\u2028' }).catch(() => {});
    await peer.notify('initialized');
    expect(await remote.next()).toEqual({ id: 1, method: 'initialize', params: { a: 'é\n\u2028' } });
    expect(await remote.next()).toEqual({ method: 'initialized' });
  });

  it('gets its own answer, in whatever order the answers come', async () => {
    const { peer, remote } = connect();
    const answers = Promise.all([peer.request('a'), peer.request('b'), peer.request('c')]);
    remote.send({ id: 3, result: 'C' }, { id: 1, result: null }, { id: 2, result: false, error: null });
    expect(await answers).toEqual([null, false, 'C']);
  });

  it('fails with what the peer says of the error', async () => {
    const { peer, remote } = connect();
    const answer = peer.request('thread/read');
    remote.send({ id: 1, error: { code: -32600, message: 'thread not found: x', data: { hint: 1 } } });
    await expect(answer).rejects.toMatchObject({
      code: 'remote-error',
      remoteCode: -32600,
      remoteMessage: 'thread not found: x',
      data: { hint: 1 },
      message: 'The peer answered thread/read with error -32600: thread not found: x',
    });
  });

  it.each([
    [
      { id: 1, error: 'boom' },
      { code: 'remote-error', remoteCode: undefined, data: 'boom' },
    ],
    [
      { id: 1, error: { code: '7', message: 8 } },
      { code: 'remote-error', remoteCode: undefined, remoteMessage: undefined },
    ],
    [
      { id: 1, error: [] },
      { code: 'remote-error', data: [] },
    ],
    [
      { id: 1, error: 0 },
      { code: 'remote-error', data: 0 },
    ],
    [{ id: 1 }, { code: 'invalid-message' }],
    [{ id: 1, error: null }, { code: 'invalid-message' }],
  ])('fails, and does not hang, when the answer is %j', async (answer, error) => {
    const { peer, remote } = connect();
    const request = peer.request('a');
    remote.send(answer);
    await expect(request).rejects.toMatchObject(error);
  });

  it('fails at its deadline; the late answer is dropped without a word', async () => {
    const { peer, remote, timers, problems } = connect();
    const slow = peer.request('turn/interrupt', {}, { deadlineMs: 500 });
    timers.advance(499);
    expect(timers.pending).toBe(1);
    timers.advance(1);
    await expect(slow).rejects.toMatchObject({
      code: 'deadline-exceeded',
      message: expect.stringContaining('turn/interrupt'),
    });
    const next = peer.request('b');
    remote.send({ id: 1, result: 'late' }, { id: 2, result: 'B' });
    expect(await next).toBe('B');
    expect(problems).toEqual([]);
  });

  it('has a deadline of 30 seconds unless told otherwise', async () => {
    const { peer, timers } = connect();
    const request = peer.request('a');
    expect(timers.next).toBe(30_000);
    timers.advance(30_000);
    await expect(request).rejects.toMatchObject({ code: 'deadline-exceeded' });
  });

  it.each([0, -1, Number.NaN])('refuses a deadline of %d', async (deadlineMs) => {
    const { peer } = connect();
    const refusal = { code: 'invalid-option', message: expect.stringContaining(`${deadlineMs}`) };
    await expect(peer.request('a', {}, { deadlineMs })).rejects.toMatchObject(refusal);
    await expect(peer.notify('a', {}, { deadlineMs })).rejects.toMatchObject(refusal);
  });

  it('stops at the signal', async () => {
    const { peer, remote, problems } = connect();
    const controller = new AbortController();
    const request = peer.request('a', {}, { signal: controller.signal });
    controller.abort(new Error('changed my mind'));
    await expect(request).rejects.toMatchObject({ code: 'aborted', cause: new Error('changed my mind') });
    remote.send({ id: 1, result: 1 });
    await expect(peer.request('never sent', {}, { signal: controller.signal })).rejects.toMatchObject({
      code: 'aborted',
    });
    remote.end();
    await peer.closed;
    expect(problems).toEqual([]);
    expect(remote.unread).toMatchObject([{ method: 'a' }]);
  });

  it('leaves no timer and no listener behind', async () => {
    const { peer, remote, timers } = connect();
    const { signal } = new AbortController();
    const add = vi.spyOn(signal, 'addEventListener');
    const remove = vi.spyOn(signal, 'removeEventListener');
    const request = peer.request('a', {}, { signal });
    remote.send({ id: 1, result: 1 });
    await request;
    expect(timers.pending).toBe(0);
    expect(remove.mock.calls.map(([, listener]) => listener)).toEqual(
      add.mock.calls.map(([, listener]) => listener),
    );
  });

  it('fails at once when its parameters have no JSON form', async () => {
    const { peer, remote } = connect();
    const cycle: unknown[] = [];
    cycle.push(cycle);
    await expect(peer.request('a', cycle)).rejects.toMatchObject({ code: 'not-serializable' });
    await expect(peer.notify('a', { n: 1n })).rejects.toMatchObject({ code: 'not-serializable' });
    await peer.notify('b');
    expect(await remote.next()).toMatchObject({ method: 'b' });
  });

  it('fails alone when it is larger than the queue', async () => {
    const { peer, remote } = connect({ maxQueuedBytes: 100 });
    await expect(peer.request('a', 'x'.repeat(100))).rejects.toMatchObject({ code: 'queue-full' });
    const request = peer.request('b');
    remote.send({ id: 2, result: 1 });
    expect(await request).toBe(1);
  });

  it('fails when the peer has stopped reading and the queue is full, and later ones pass again', async () => {
    const { peer, remote } = connect({ maxQueuedBytes: 200 });
    remote.pause();
    const first = peer.notify('a', 'x'.repeat(120));
    await expect(peer.notify('b', 'x'.repeat(120))).rejects.toMatchObject({ code: 'queue-full' });
    remote.resume();
    await first;
    await peer.notify('c', 'x'.repeat(120));
    expect(remote.unread).toMatchObject([{ method: 'a' }, { method: 'c' }]);
  });

  it('fails when too many small ones wait', async () => {
    const { peer, remote } = connect();
    remote.pause();
    const waiting = Array.from({ length: 16_384 }, () => peer.notify('a'));
    await expect(peer.notify('b')).rejects.toMatchObject({ code: 'queue-full' });
    remote.resume();
    await Promise.all(waiting);
    await peer.notify('c');
  });
});

describe('an answer to nothing', () => {
  it.each([7, 0, 'one', null, { a: 1 }, -1])(
    'is reported when its id is %j, and the connection goes on',
    async (id) => {
      const { peer, remote, problems } = connect();
      const request = peer.request('a');
      remote.send({ id, result: 1 }, { id, error: { code: 1, message: 'x' } }, { id: 1, result: 'A' });
      expect(await request).toBe('A');
      expect(problems).toMatchObject([{ code: 'unknown-answer' }, { code: 'unknown-answer' }]);
    },
  );

  it('is reported when it is the second to one request', async () => {
    const { peer, remote, problems } = connect();
    const request = peer.request('a');
    remote.send({ id: 1, result: 'first' }, { id: 1, result: 'second' });
    expect(await request).toBe('first');
    remote.end();
    await peer.closed;
    expect(problems).toMatchObject([{ code: 'unknown-answer' }]);
  });
});

describe('a peer that is too busy', () => {
  const busy = (id: number) => ({ id, error: { code: -32001, message: 'Server overloaded; retry later.' } });

  it('is asked again, after longer and longer', async () => {
    const { peer, remote, timers } = connect();
    const answer = peer.request('turn/start', { text: 'hi' });
    const pauses: (number | undefined)[] = [];
    for (let id = 1; id < 5; id += 1) {
      expect(await remote.next()).toMatchObject({ id, method: 'turn/start', params: { text: 'hi' } });
      remote.send(busy(id));
      await vi.waitFor(() => expect(timers.pending).toBe(2));
      pauses.push(timers.next);
      timers.advance(timers.next ?? 0);
    }
    remote.send({ id: 5, result: 'done' });
    expect(await answer).toBe('done');
    expect(pauses).toEqual([75, 150, 300, 600]);
  });

  it.each([
    [0, 50],
    [0.999, 100],
  ])('is asked again after a time left to chance: %d', async (chance, pause) => {
    const { peer, remote, timers } = connect({ random: () => chance });
    void peer.request('a').catch(() => {});
    remote.send(busy(1));
    await vi.waitFor(() => expect(timers.pending).toBe(2));
    expect(Math.round(timers.next ?? 0)).toBe(pause);
  });

  it('is not asked more often than allowed', async () => {
    const { peer, remote } = connect();
    const answer = peer.request('a', {}, { retries: 0 });
    remote.send(busy(1));
    await expect(answer).rejects.toMatchObject({ code: 'remote-error', remoteCode: -32001 });
  });

  it('does not make a request outlive its deadline', async () => {
    const { peer, remote, timers } = connect({ random: () => 1 });
    const answer = peer.request('a', {}, { deadlineMs: 60 });
    remote.send(busy(1));
    await vi.waitFor(() => expect(timers.pending).toBe(2));
    timers.advance(60);
    await expect(answer).rejects.toMatchObject({ code: 'deadline-exceeded' });
    expect(timers.pending).toBe(0);
  });

  it('is not asked again when the connection is closed meanwhile', async () => {
    const { peer, remote, timers } = connect();
    const answer = peer.request('a');
    remote.send(busy(1));
    await vi.waitFor(() => expect(timers.pending).toBe(2));
    remote.end();
    await expect(answer).rejects.toMatchObject({ code: 'closed' });
    await peer.closed;
    expect(timers.pending).toBe(0);
    expect(remote.unread).toHaveLength(1);
  });
});
