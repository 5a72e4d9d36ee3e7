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
    ...options,
  });
  return { remote, timers, problems, peer };
}

describe('notifications of the peer', () => {
  it('come in their order', async () => {
    const seen: unknown[] = [];
    const { remote, peer } = connect({ onNotification: (notification) => void seen.push(notification) });
    remote.send({ method: 'a', params: { n: 1 } }, { method: 'b' });
    remote.send({ jsonrpc: '2.0', method: 'c', params: null });
    remote.end();
    await peer.closed;
    expect(seen).toEqual([
      { method: 'a', params: { n: 1 } },
      { method: 'b', params: undefined },
      { method: 'c', params: null },
    ]);
  });

  it('wait for one another, and hold the peer back, while the handler is busy', async () => {
    const gates = new Map<string, PromiseWithResolvers<void>>();
    const { remote, peer } = connect({
      onNotification({ method }) {
        const gate = Promise.withResolvers<void>();
        gates.set(method, gate);
        return gate.promise;
      },
    });
    remote.send({ method: 'a' }, { method: 'b' });
    remote.send({ id: 1, result: 'answer' });
    const request = peer.request('ours');
    const settled = vi.fn();
    void request.then(settled);
    await vi.waitFor(() => expect([...gates.keys()]).toEqual(['a']));
    gates.get('a')?.resolve();
    await vi.waitFor(() => expect([...gates.keys()]).toEqual(['a', 'b']));
    expect(settled).not.toHaveBeenCalled();
    gates.get('b')?.resolve();
    expect(await request).toBe('answer');
  });

  it('go on when the handler throws or rejects, which is reported', async () => {
    const failure = new Error('broken viewer');
    const { remote, peer, problems } = connect({
      onNotification({ method }) {
        if (method === 'a') throw failure;
        return method === 'b' ? Promise.reject(failure) : undefined;
      },
    });
    remote.send({ method: 'a' }, { method: 'b' }, { method: 'c' }, { id: 1, result: 'still here' });
    expect(await peer.request('ours')).toBe('still here');
    expect(problems).toMatchObject([
      { code: 'handler-failed', cause: failure },
      { code: 'handler-failed', cause: failure },
    ]);
  });

  it('are nobody’s business without a handler', async () => {
    const { remote, peer, problems } = connect();
    remote.send({ method: 'a' }, { id: 1, result: 'still here' });
    expect(await peer.request('ours')).toBe('still here');
    expect(problems).toEqual([]);
  });
});

describe('what is not a message', () => {
  it.each([
    'warning: slow disk',
    '{"id":1,"result":',
    '[]',
    '7',
    'null',
    '"text"',
    '{}',
    '{"method":{}}',
    '[{"id":1,"result":1}]',
  ])('is reported, and the connection goes on: %s', async (line) => {
    const { remote, peer, problems } = connect();
    remote.sendRaw(`${line}\n`);
    remote.send({ id: 1, result: 'still here' });
    expect(await peer.request('ours')).toBe('still here');
    expect(problems).toMatchObject([{ code: expect.stringMatching(/^(garbage|invalid-message)$/) }]);
  });

  it('is quoted in part, and does not reach the peer', async () => {
    const { remote, peer, problems } = connect();
    remote.sendRaw(`panic\u001b[31m${'x'.repeat(10_000)}\n`);
    remote.end();
    await peer.closed;
    expect(problems).toMatchObject([
      { code: 'garbage', data: { text: expect.stringMatching(/^panic/), bytes: 10_010 } },
    ]);
    expect(problems[0]?.message).toContain('panic\\u001b[31mxxx');
    expect(problems[0]?.message.length).toBeLessThan(400);
    expect(remote.unread).toEqual([]);
  });

  it('is half a line when the peer dies within it', async () => {
    const { remote, peer, problems } = connect();
    remote.sendRaw('{"method":"tur');
    remote.end();
    expect(await peer.closed).toEqual({ kind: 'ended', error: undefined });
    expect(problems).toMatchObject([{ code: 'truncated', data: { text: '{"method":"tur', bytes: 14 } }]);
  });

  it('does no harm when the one who is told of it throws', async () => {
    const { remote, peer } = connect({
      onProtocolError() {
        throw new Error('logger is full');
      },
    });
    remote.sendRaw('garbage\n');
    remote.send({ id: 1, result: 'still here' });
    expect(await peer.request('ours')).toBe('still here');
  });
});

describe('the end of a connection', () => {
  it('settles everything that is pending when the peer ends it', async () => {
    const { remote, peer, timers } = connect();
    remote.pause();
    const pending = [peer.request('a'), peer.request('b'), peer.notify('c')];
    remote.end();
    for (const promise of pending) {
      await expect(promise).rejects.toMatchObject({
        code: 'closed',
        message: expect.stringContaining('the peer ended the connection'),
      });
    }
    timers.advance(1_000);
    expect(await peer.closed).toEqual({ kind: 'ended', error: undefined });
    await expect(peer.request('later')).rejects.toMatchObject({ code: 'closed' });
    await expect(peer.notify('later')).rejects.toMatchObject({ code: 'closed' });
    expect(timers.pending).toBe(0);
  });

  it('says that the stream broke', async () => {
    const { remote, peer } = connect();
    const request = peer.request('a');
    const cause = new Error('cable cut');
    remote.breakOutput(cause);
    await expect(request).rejects.toMatchObject({ code: 'closed', cause: { code: 'read-failed', cause } });
    expect(await peer.closed).toMatchObject({ kind: 'failed', error: { code: 'read-failed', cause } });
    expect(remote.inputEnded).toBe(true);
  });

  it('says that a line was too long; what came before it counts', async () => {
    const { remote, peer } = connect({ maxLineBytes: 100 });
    const first = peer.request('a');
    const second = peer.request('b');
    remote.send({ id: 1, result: 'A' }, { id: 2, result: 'x'.repeat(100) });
    expect(await first).toBe('A');
    await expect(second).rejects.toMatchObject({ code: 'closed', cause: { code: 'line-too-long' } });
    expect(await peer.closed).toMatchObject({ kind: 'failed', error: { code: 'line-too-long' } });
    expect(remote.cancelled).toBe(true);
  });

  it('still hears answers after the peer has stopped listening', async () => {
    const { remote, peer, timers } = connect();
    const first = peer.request('a');
    await remote.next();
    remote.breakInput(new Error('EPIPE'));
    await expect(peer.request('b')).rejects.toMatchObject({ code: 'write-failed' });
    remote.send({ id: 1, result: 'A' });
    expect(await first).toBe('A');
    remote.end();
    expect(await peer.closed).toEqual({ kind: 'ended', error: undefined });
    expect(timers.pending).toBe(0);
  });

  it('comes a grace after the peer has stopped listening without a word', async () => {
    const { remote, peer, timers } = connect({ closeGraceMs: 700 });
    const request = peer.request('a', {}, { deadlineMs: 60_000 });
    await remote.next();
    remote.breakInput(new Error('EPIPE'));
    await vi.waitFor(() => expect(timers.next).toBe(700));
    timers.advance(700);
    await expect(request).rejects.toMatchObject({ code: 'closed', cause: { code: 'write-failed' } });
    await vi.waitFor(() => expect(timers.pending).toBe(0));
    expect(await peer.closed).toMatchObject({ kind: 'failed', error: { code: 'write-failed' } });
    expect(remote.cancelled).toBe(true);
  });
});

describe('closing', () => {
  it('sends what was said before, ends the peer’s input and hears it out', async () => {
    const { remote, peer } = connect();
    const said = peer.notify('last words');
    const request = peer.request('never answered');
    const closing = peer.close();
    await expect(request).rejects.toMatchObject({
      code: 'closed',
      message: expect.stringContaining('closed on this side'),
    });
    await expect(said).rejects.toMatchObject({ code: 'closed' });
    await vi.waitFor(() => expect(remote.inputEnded).toBe(true));
    expect(remote.unread).toMatchObject([{ method: 'last words' }, { method: 'never answered' }]);
    remote.send({ method: 'bye' });
    expect(remote.cancelled).toBe(false);
    remote.end();
    expect(await closing).toEqual({ kind: 'closed', error: undefined });
  });

  it('delivers nothing afterwards', async () => {
    const seen = vi.fn();
    const { remote, peer, problems } = connect({ onNotification: seen, onRequest: seen });
    const closing = peer.close();
    remote.send({ method: 'a' }, { id: 0, method: 'b' });
    remote.sendRaw('garbage\n');
    remote.end();
    await closing;
    expect(seen).not.toHaveBeenCalled();
    expect(problems).toEqual([]);
    expect(remote.unread).toEqual([]);
  });

  it('does not wait longer than the grace for a peer that neither reads nor ends', async () => {
    const { remote, peer, timers } = connect({ closeGraceMs: 250 });
    remote.pause();
    await Promise.allSettled([peer.notify('stuck', {}, { signal: AbortSignal.abort() })]);
    void peer.notify('stuck').catch(() => {});
    const closing = peer.close();
    expect(timers.next).toBe(250);
    timers.advance(250);
    expect(await closing).toMatchObject({ kind: 'closed' });
    expect(remote.cancelled).toBe(true);
    expect(timers.pending).toBe(0);
  });

  it('leaves nothing behind when the connection breaks meanwhile', async () => {
    const { remote, peer, timers } = connect();
    remote.pause();
    void peer.notify('stuck').catch(() => {});
    const closing = peer.close();
    remote.breakInput(new Error('EPIPE'));
    remote.resume();
    remote.end();
    expect(await closing).toEqual({ kind: 'closed', error: undefined });
    expect(timers.pending).toBe(0);
  });

  it('gives the reason that it was told', async () => {
    const { remote, peer } = connect();
    const request = peer.request('a');
    const cause = new Error('The process was killed by SIGKILL.');
    void peer.close(cause);
    await expect(request).rejects.toMatchObject({
      code: 'closed',
      cause,
      message: expect.stringContaining('killed by SIGKILL'),
    });
    remote.end();
    expect(await peer.closed).toEqual({ kind: 'closed', error: undefined });
  });

  it('happens once, however often it is asked for', async () => {
    const { remote, peer } = connect();
    const closings = [peer.close(), peer.close(new Error('again')), peer[Symbol.asyncDispose]()];
    remote.end();
    expect(await Promise.all(closings)).toMatchObject([{ kind: 'closed' }, { kind: 'closed' }, undefined]);
    expect(await peer.close()).toBe(await peer.closed);
  });

  it('works from within a handler that waits for it', async () => {
    const { remote, peer } = connect({
      async onNotification({ method }) {
        if (method === 'close') await peer.close();
        else await new Promise(() => {});
      },
    });
    remote.send({ method: 'close' });
    await vi.waitFor(() => expect(remote.inputEnded).toBe(true));
    remote.end();
    expect(await peer.closed).toMatchObject({ kind: 'closed' });
  });

  it('does not wait for a handler, and gives it nothing more', async () => {
    const onNotification = vi.fn(() => new Promise<void>(() => {}));
    const { remote, peer } = connect({ onNotification });
    remote.sendRaw('{"method":"a"}\n{"method":"b"}\n');
    await vi.waitFor(() => expect(onNotification).toHaveBeenCalled());
    remote.end();
    expect(await peer.close()).toMatchObject({ kind: 'closed' });
    expect(onNotification).toHaveBeenCalledOnce();
  });

  it('happens at the end of a scope', async () => {
    const { remote, peer } = connect();
    remote.end();
    {
      await using scoped = peer;
      await scoped.notify('hello').catch(() => {});
    }
    expect(await peer.closed).toBeDefined();
    expect(remote.inputEnded).toBe(true);
  });
});

it.each([{ handlerDeadlineMs: 0 }, { handlerDeadlineMs: Number.NaN }, { maxLineBytes: 0 }])(
  'a connection with %o is refused',
  (options) => {
    expect(() => connect(options)).toThrow(expect.objectContaining({ code: 'invalid-option' }));
  },
);

describe('a notification that we send', () => {
  it('waits until the peer takes it', async () => {
    const { remote, peer } = connect();
    remote.pause();
    const sent = vi.fn();
    const notified = peer.notify('a').then(sent);
    await Promise.resolve();
    expect(sent).not.toHaveBeenCalled();
    remote.resume();
    await notified;
  });

  it('does not wait for good', async () => {
    const { remote, peer, timers } = connect();
    remote.pause();
    const controller = new AbortController();
    const slow = peer.notify('a', {}, { deadlineMs: 100 });
    const aborted = peer.notify('b', {}, { signal: controller.signal });
    timers.advance(100);
    controller.abort();
    await expect(slow).rejects.toMatchObject({ code: 'deadline-exceeded' });
    await expect(aborted).rejects.toMatchObject({ code: 'aborted' });
  });

  it('stays whole and in its place among many', async () => {
    const { remote, peer } = connect();
    const texts = Array.from({ length: 50 }, (_, n) => `${n} ${'ü'.repeat(n * 100)}`);
    await Promise.all(texts.map((text) => peer.notify('say', text)));
    expect(remote.unread).toEqual(texts.map((params) => ({ jsonrpc: '2.0', method: 'say', params })));
  });
});
