import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { JsonRpcError } from './json-rpc-error.ts';
import { createJsonRpcPeer, type JsonRpcPeerOptions } from './peer.ts';

const script = fileURLToPath(new URL('../../test/json-rpc/echo-peer.mjs', import.meta.url));

describe('a peer in a process of its own', () => {
  const children: ChildProcessByStdio<Writable, Readable, Readable>[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  async function start(options: Partial<JsonRpcPeerOptions> = {}) {
    const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'pipe'] });
    children.push(child);
    const exit = once(child, 'exit');
    const problems: JsonRpcError[] = [];
    const peer = createJsonRpcPeer({
      readable: Readable.toWeb(child.stdout),
      writable: Writable.toWeb(child.stdin),
      dialect: { jsonrpcMember: false },
      onProtocolError: (error) => problems.push(error),
      ...options,
    });
    await once(child.stderr, 'data');
    return { child, exit, peer, problems };
  }

  it('answers, asks and is answered', async () => {
    const told: unknown[] = [];
    const answered = Promise.withResolvers<unknown>();
    const { peer, exit } = await start({
      onRequest: ({ id, method, params }) => ({ id, method, params }),
      onNotification: ({ method, params }) =>
        method === 'answered' ? answered.resolve(params) : void told.push(method),
    });
    expect(await peer.request('echo', { text: 'grüße 🦀' })).toEqual({ text: 'grüße 🦀' });
    await peer.notify('ask', [1]);
    expect(await answered.promise).toEqual({ id: 0, result: { id: 0, method: 'asked', params: [1] } });
    expect(await peer.close()).toEqual({ kind: 'closed', error: undefined });
    expect(await exit).toEqual([0, null]);
  });

  it('is understood when its bytes come one by one', async () => {
    const { peer } = await start();
    expect(await peer.request('drip', 'grüße 日本 🦀')).toBe('grüße 日本 🦀');
    await peer.close();
  });

  it('may write 20,000 notifications before its answer: all come, in order', async () => {
    let next = 0;
    let inOrder = true;
    const { peer } = await start({
      onNotification({ params }) {
        inOrder &&= JSON.stringify(params) === `{"n":${next}}`;
        next += 1;
      },
    });
    expect(await peer.request('flood', { count: 20_000 })).toBe(20_000);
    expect([next, inOrder]).toEqual([20_000, true]);
    await peer.close();
  });

  it('may write and read 10 MB in one line', async () => {
    const { peer } = await start();
    const text = 'x'.repeat(10_000_000);
    expect(await peer.request('large', text)).toHaveLength(text.length);
    await peer.close();
  });

  it('may be killed in the middle of a request: nobody waits', async () => {
    const hanging = Promise.withResolvers<void>();
    const { child, exit, peer } = await start({ onNotification: () => hanging.resolve() });
    const request = peer.request('hang');
    await hanging.promise;
    child.kill('SIGKILL');
    await expect(request).rejects.toMatchObject({ code: 'closed' });
    expect(await peer.closed).toEqual({ kind: 'ended', error: undefined });
    expect(await exit).toEqual([null, 'SIGKILL']);
    await expect(peer.request('echo')).rejects.toMatchObject({ code: 'closed' });
  });

  it('may be killed while it is written to: nobody waits and nothing is thrown', async () => {
    const { child, peer } = await start();
    child.kill('SIGSTOP');
    const sent = [1, 2, 3].map((n) => peer.request('echo', 'x'.repeat(1_000_000 * n)));
    child.kill('SIGKILL');
    for (const request of sent) {
      await expect(request).rejects.toMatchObject({ code: expect.stringMatching(/^(closed|write-failed)$/) });
    }
    expect((await peer.closed).kind).toBe('ended');
  });

  it('may leave within a line', async () => {
    const { peer, exit, problems } = await start();
    await peer.notify('leave', { code: 3 });
    expect(await peer.closed).toEqual({ kind: 'ended', error: undefined });
    expect(problems).toMatchObject([{ code: 'truncated', data: { text: '{"method":"half' } }]);
    expect(await exit).toEqual([3, null]);
  });

  it('may stop reading and ignore the end of its input: closing takes no longer than the grace', async () => {
    const { child, peer } = await start({ closeGraceMs: 50 });
    child.kill('SIGSTOP');
    const stuck = peer.request('echo', 'x'.repeat(5_000_000)).catch((error: unknown) => error);
    expect(await peer.close()).toMatchObject({ kind: 'closed' });
    expect(await stuck).toMatchObject({ code: 'closed' });
  });
});
