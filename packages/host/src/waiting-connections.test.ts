import { describe, expect, it } from 'vitest';
import type { HostConnection } from './host.ts';
import { HostError } from './host-error.ts';
import { createWaitingConnections, type WaitingConnection } from './waiting-connections.ts';

function connection(): HostConnection {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  return { readable, writable, async [Symbol.asyncDispose]() {} };
}

function waitingConnection(take: () => HostConnection | undefined = connection): WaitingConnection & {
  readonly isTurnedAway: () => boolean;
} {
  let isTurnedAway = false;
  return {
    take,
    turnAway() {
      isTurnedAway = true;
    },
    isTurnedAway: () => isTurnedAway,
  };
}

describe('the connections of a listener', () => {
  it('come in their order, each once, whoever reads', async () => {
    const waiting = createWaitingConnections();
    const [first, second, third] = [connection(), connection(), connection()];
    const [one, other] = [
      waiting.connections[Symbol.asyncIterator](),
      waiting.connections[Symbol.asyncIterator](),
    ];
    const asked = [one.next(), other.next()];
    for (const each of [first, second, third]) waiting.add(waitingConnection(() => each));
    const [got, gotToo] = await Promise.all(asked);
    expect(got?.value).toBe(first);
    expect(gotToo?.value).toBe(second);
    expect((await one.next()).value).toBe(third);
  });

  it('leave out those that went away before they were taken', async () => {
    const waiting = createWaitingConnections();
    const kept = connection();
    waiting.add(waitingConnection(() => undefined));
    waiting.add(waitingConnection(() => kept));
    expect((await waiting.connections[Symbol.asyncIterator]().next()).value).toBe(kept);
  });

  it('can be taken up again after a loop was left', async () => {
    const waiting = createWaitingConnections();
    for (let count = 0; count < 2; count += 1) waiting.add(waitingConnection());
    for await (const _ of waiting.connections) break;
    waiting.end();
    expect(await Array.fromAsync(waiting.connections)).toEqual([]);
  });

  it('are 1,024 at the most, and those beyond are turned away at once', () => {
    const waiting = createWaitingConnections();
    const all = Array.from({ length: 1_030 }, () => waitingConnection());
    for (const one of all) waiting.add(one);
    expect(all.filter((one) => one.isTurnedAway())).toHaveLength(6);
    expect(all.slice(0, 1_024).some((one) => one.isTurnedAway())).toBe(false);
  });

  it('are turned away when the listener ends, and the reader learns whether it failed', async () => {
    const waiting = createWaitingConnections();
    const failed = createWaitingConnections();
    const cause = new HostError('host-lost', 'gone');
    const late = failed.connections[Symbol.asyncIterator]().next();
    const untaken = waitingConnection();
    waiting.add(untaken);
    waiting.end();
    failed.end(cause);
    await expect(late).rejects.toBe(cause);
    await expect(failed.connections[Symbol.asyncIterator]().next()).rejects.toBe(cause);
    expect(untaken.isTurnedAway()).toBe(true);
    const later = waitingConnection();
    waiting.add(later);
    expect(later.isTurnedAway()).toBe(true);
    expect(await Array.fromAsync(waiting.connections)).toEqual([]);
  });
});
