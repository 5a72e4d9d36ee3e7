import { describe, expect, it } from 'vitest';
import { HostError } from '../../../host-error.ts';
import type { ProcessExit } from '../../../process.ts';
import type { Attachments } from './attachments.ts';
import { queuedInput } from './queued-input.ts';

const none: Attachments = {
  current: async () => undefined,
  after: async () => undefined,
  failure: undefined,
};

describe('the end of what a durable process reads', () => {
  it('is asked for until all has arrived', async () => {
    const asked: number[] = [];
    const { stream } = queuedInput(none, {
      exit: new Promise(() => undefined),
      attempt: 'write',
      arrived: async () => 0,
      async end(bytes) {
        asked.push(bytes);
        return asked.length === 3;
      },
    });
    await stream.close();
    expect(asked).toEqual([0, 0, 0]);
  });

  it('is asked for no more when the process has ended', async () => {
    const exit = Promise.withResolvers<ProcessExit>();
    let asked = 0;
    const { stream } = queuedInput(none, {
      exit: exit.promise,
      attempt: 'write',
      arrived: async () => 0,
      async end() {
        asked += 1;
        if (asked === 2) exit.resolve({ kind: 'exited', code: 0 });
        return false;
      },
    });
    await stream.close();
    expect(asked).toBeLessThan(10);
  });

  it('that failed is asked for again by the next who wants it', async () => {
    const asked: number[] = [];
    const { stream, hangUp } = queuedInput(none, {
      exit: new Promise(() => undefined),
      attempt: 'write',
      arrived: async () => 0,
      async end(bytes) {
        asked.push(bytes);
        if (asked.length === 1) throw new HostError('host-lost', 'The link is down.');
        return true;
      },
    });
    await expect(stream.close()).rejects.toMatchObject({ code: 'host-lost' });
    hangUp();
    hangUp();
    expect(asked).toEqual([0, 0]);
  });
});
