import { describe, expect, it, vi } from 'vitest';
import { createSettlementDesk, type SettlementDesk, type SettlementDeskOptions } from './settlement-desk.ts';

const far = Number.MAX_SAFE_INTEGER;

function desk(handler?: SettlementDeskOptions<string, string>['handler']): {
  readonly desk: SettlementDesk<string, string>;
  readonly record: readonly string[];
} {
  const record: string[] = [];
  const made = createSettlementDesk<string, string>({
    announce: (request) => record.push(`asked ${request}`),
    settled: (request, answer, by) => record.push(`${request}: ${answer} by ${by}`),
    handlerFailed: (request, error) => record.push(`${request} failed: ${String(error)}`),
    ...(handler === undefined ? {} : { handler }),
    refusal: 'no',
    now: () => 0,
  });
  return { desk: made, record };
}

describe('a settlement desk', () => {
  it('puts a question on record before anybody is asked', async () => {
    const order: string[] = [];
    const { desk: one, record } = desk(async () => {
      order.push(...record);
      return 'yes';
    });
    expect(await one.open('1', 'q', 1000)).toBe('yes');
    expect(order).toEqual(['asked q']);
    expect(record).toEqual(['asked q', 'q: yes by client']);
  });

  it('takes the first answer and tells the second that it came too late', async () => {
    const { desk: one, record } = desk();
    const answer = one.open('1', 'q', 1000);
    expect(one.pending('1')).toBe('q');
    expect(one.settle('1', 'yes', 'client')).toBe(true);
    expect(one.settle('1', 'other', 'client')).toBe(false);
    expect(await answer).toBe('yes');
    expect(one.pending('1')).toBeUndefined();
    expect(record).toEqual(['asked q', 'q: yes by client']);
  });

  it('refuses at the deadline when nobody answers', async () => {
    vi.useFakeTimers();
    const { desk: one, record } = desk(() => new Promise(() => undefined));
    const answer = one.open('1', 'q', 60_000);
    await vi.advanceTimersByTimeAsync(59_999);
    expect(record).toEqual(['asked q']);
    await vi.advanceTimersByTimeAsync(1);
    expect(await answer).toBe('no');
    expect(record).toEqual(['asked q', 'q: no by deadline']);
    vi.useRealTimers();
  });

  it('does not take a deadline beyond what a timer can hold for one that has passed', async () => {
    const { desk: one } = desk();
    const answer = one.open('1', 'q', far);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(one.pending('1')).toBe('q');
    one.settle('1', 'yes', 'client');
    expect(await answer).toBe('yes');
  });

  it.each([
    [
      'throws',
      (): Promise<string> => {
        throw new Error('boom');
      },
    ],
    ['rejects', (): Promise<string> => Promise.reject(new Error('boom'))],
  ])('reports and refuses when the handler %s', async (_, handler) => {
    const { desk: one, record } = desk(handler);
    expect(await one.open('1', 'q', 1000)).toBe('no');
    expect(record).toEqual(['asked q', 'q failed: Error: boom', 'q: no by policy']);
  });

  it('tells the handler by its signal that somebody else has answered', async () => {
    let seen: AbortSignal | undefined;
    const { desk: one } = desk((_, { signal }) => {
      seen = signal;
      return new Promise(() => undefined);
    });
    const answer = one.open('1', 'q', 1000);
    expect(seen?.aborted).toBe(false);
    one.settle('1', 'yes', 'client');
    await answer;
    expect(seen?.aborted).toBe(true);
  });

  it('refuses what is pending, and whatever comes later, once it is disposed', async () => {
    const { desk: one, record } = desk();
    const pending = one.open('1', 'early', 1000);
    one[Symbol.dispose]();
    expect(await pending).toBe('no');
    expect(await one.open('2', 'late', 1000)).toBe('no');
    expect(record).toEqual(['asked early', 'early: no by close', 'asked late', 'late: no by close']);
  });
});
