import { describe, expect, it } from 'vitest';
import { createEnding, type EndableGroup } from './end-process.ts';
import { HostError } from './host-error.ts';
import type { ProcessExit } from './process.ts';

const exited: ProcessExit = { kind: 'exited', code: 0 };

/** A group of which each look sees so many; the last number stands for all later looks. */
function groupSeen(...counts: number[]): EndableGroup & { readonly signals: string[] } {
  const signals: string[] = [];
  return {
    signals,
    signalAll: async (name) => void signals.push(name),
    countLiving: async () => (counts.length > 1 ? counts.shift() : counts[0]) ?? 0,
  };
}

describe('an ending', () => {
  it('takes two looks that see nobody: one may miss a process that was started during it', async () => {
    const group = groupSeen(0, 1, 0, 1, 1, 0, 0);
    const end = createEnding({ pid: 1, exit: Promise.resolve(exited), group, hangUp: () => undefined });
    expect(await end({ graceMs: 0, from: 'kill' })).toEqual(exited);
    expect(await group.countLiving()).toBe(0);
    expect(group.signals.length).toBeGreaterThan(1);
  });

  it('kills again what came up since', async () => {
    const group = groupSeen(3, 2, 1, 0);
    const end = createEnding({ pid: 1, exit: Promise.resolve(exited), group, hangUp: () => undefined });
    await end({ from: 'kill' });
    expect(group.signals).toEqual(['SIGKILL', 'SIGKILL', 'SIGKILL', 'SIGKILL']);
  });

  it('skips the end of input, and its grace, when the leader has ended already', async () => {
    const group = groupSeen(1, 0);
    const asked: string[] = [];
    const end = createEnding({
      pid: 1,
      exit: Promise.resolve(exited),
      group,
      hangUp: () => asked.push('eof'),
    });
    await Promise.resolve();
    await end({ graceMs: 3_600_000 });
    expect(asked).toEqual([]);
    expect(group.signals).toEqual(['SIGTERM']);
  });

  it('that failed is gone on with by the next call, from the step that failed', async () => {
    const exit = Promise.withResolvers<ProcessExit>();
    const asked: string[] = [];
    let isReachable = false;
    const end = createEnding({
      pid: 1,
      exit: exit.promise,
      hangUp: () => asked.push('eof'),
      group: {
        async signalAll(name) {
          asked.push(name);
          if (!isReachable) throw new HostError('host-lost', 'The link is down.');
          exit.resolve(exited);
        },
        countLiving: async () => 0,
      },
    });
    await expect(end({ graceMs: 0 })).rejects.toMatchObject({ code: 'host-lost' });
    await expect(end()).rejects.toMatchObject({ code: 'host-lost' });
    isReachable = true;
    expect(await end()).toEqual(exited);
    expect(asked).toEqual(['eof', 'SIGTERM', 'SIGTERM', 'SIGTERM']);
  });

  it('that failed is gone on with harsher where that is asked for', async () => {
    const group = groupSeen(0);
    let failures = 1;
    const end = createEnding({
      pid: 1,
      exit: Promise.resolve(exited),
      hangUp: () => undefined,
      group: {
        signalAll: group.signalAll,
        async countLiving() {
          if (failures-- > 0) throw new HostError('timeout', 'The host did not answer.');
          return await group.countLiving();
        },
      },
    });
    await expect(end({ from: 'term' })).rejects.toMatchObject({ code: 'timeout' });
    expect(await end({ from: 'kill' })).toEqual(exited);
    expect(group.signals).toEqual(['SIGTERM', 'SIGKILL']);
  });
});
