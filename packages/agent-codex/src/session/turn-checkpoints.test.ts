import { createEventLog, type EventLog } from '@seedbed/conversation-protocol';
import { describe, expect, it, vi } from 'vitest';
import { followTurns } from './turn-checkpoints.ts';

const completed = (log: EventLog, turnId: string): void =>
  void log.append({ type: 'turn-completed', turnId, outcome: { status: 'completed' } });

const warned = (log: EventLog): void => void log.append({ type: 'warning', message: 'busy' });

async function follow(save: () => Promise<unknown>, quietMs = 100) {
  vi.useFakeTimers();
  const log = createEventLog();
  const checkpoints = followTurns(({ signal }) => log.read({ signal }), { quietMs, save });
  return {
    log,
    async [Symbol.asyncDispose]() {
      await checkpoints[Symbol.asyncDispose]();
      vi.useRealTimers();
    },
  };
}

describe('snapshots after turns', () => {
  it('are made when the conversation has been quiet, once for turns that follow each other', async () => {
    const save = vi.fn(async () => undefined);
    await using following = await follow(save);
    completed(following.log, '1');
    await vi.advanceTimersByTimeAsync(60);
    completed(following.log, '2');
    await vi.advanceTimersByTimeAsync(60);
    expect(save).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(60);
    expect(save).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(save).toHaveBeenCalledTimes(1);
  });

  it('are not put off for ever by a conversation that is never quiet', async () => {
    const save = vi.fn(async () => undefined);
    await using following = await follow(save);
    completed(following.log, '1');
    for (let at = 0; at < 20; at += 1) {
      warned(following.log);
      await vi.advanceTimersByTimeAsync(50);
    }
    expect(save).toHaveBeenCalledTimes(1);
  });

  it('are never made two at once: what happens meanwhile is saved behind', async () => {
    const saving: PromiseWithResolvers<void>[] = [];
    const save = vi.fn(async () => {
      const one = Promise.withResolvers<void>();
      saving.push(one);
      await one.promise;
    });
    await using following = await follow(save);
    completed(following.log, '1');
    await vi.advanceTimersByTimeAsync(150);
    completed(following.log, '2');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(save).toHaveBeenCalledTimes(1);
    saving[0]?.resolve();
    await vi.advanceTimersByTimeAsync(150);
    expect(save).toHaveBeenCalledTimes(2);
    saving[1]?.resolve();
  });

  it('are none for what is no turn', async () => {
    const save = vi.fn(async () => undefined);
    await using following = await follow(save);
    warned(following.log);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(save).not.toHaveBeenCalled();
  });

  it('go on after one that failed, and leave its failure to nobody', async () => {
    const save = vi.fn(async () => {
      throw new Error('The callback of the caller has failed.');
    });
    await using following = await follow(save);
    for (const turn of ['1', '2']) {
      completed(following.log, turn);
      await vi.advanceTimersByTimeAsync(150);
    }
    expect(save).toHaveBeenCalledTimes(2);
  });

  it('leave no clock running when they were stopped in the middle of one', async () => {
    vi.useFakeTimers();
    const one = Promise.withResolvers<void>();
    const log = createEventLog();
    const options = { quietMs: 100, save: () => one.promise };
    const checkpoints = followTurns(({ signal }) => log.read({ signal }), options);
    for (const turn of ['1', '2']) {
      completed(log, turn);
      await vi.advanceTimersByTimeAsync(150);
    }
    const stopped = checkpoints[Symbol.asyncDispose]();
    one.resolve();
    await stopped;
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });
});
