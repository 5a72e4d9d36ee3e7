import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { BinaryCacheError, type BinaryCacheErrorCode } from './binary-cache-error.ts';
import { throughBrokenLinks } from './broken-link.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const failure = (code: BinaryCacheErrorCode): BinaryCacheError => new BinaryCacheError(code, 'It broke.');

interface Attempted {
  /** How it ended: with a value, or with the code of a failure. */
  readonly end: string;
  readonly attempts: number;
}

async function attempted(
  work: (attempt: number, advance: () => void) => string,
  { host = new AbortController().signal, signal = new AbortController().signal } = {},
): Promise<Attempted> {
  let attempts = 0;
  const ending = throughBrokenLinks({ signal: host }, signal, async (advance) => {
    attempts += 1;
    return work(attempts, advance);
  }).catch((error: unknown) => (error instanceof BinaryCacheError ? error.code : String(error)));
  await vi.runAllTimersAsync();
  return { end: await ending, attempts };
}

test('work whose link broke is done again', async () => {
  const work = (attempt: number): string => {
    if (attempt < 3) throw failure('host-lost');
    return 'done';
  };
  expect(await attempted(work)).toEqual({ end: 'done', attempts: 3 });
});

test('a link that breaks again and again without a gain is given up', async () => {
  const work = (): string => {
    throw failure('host-lost');
  };
  expect(await attempted(work)).toEqual({ end: 'host-lost', attempts: 6 });
});

test('as long as something is gained each time it goes on', async () => {
  const work = (attempt: number, advance: () => void): string => {
    advance();
    if (attempt < 30) throw failure('host-lost');
    return 'done';
  };
  expect(await attempted(work)).toEqual({ end: 'done', attempts: 30 });
});

test('a host that is gone for good is not waited for', async () => {
  const work = (): string => {
    throw failure('host-lost');
  };
  expect(await attempted(work, { host: AbortSignal.abort() })).toEqual({ end: 'host-lost', attempts: 1 });
});

test('another failure is not tried again', async () => {
  const work = (): string => {
    throw failure('no-space');
  };
  expect(await attempted(work)).toEqual({ end: 'no-space', attempts: 1 });
});

test('an abort ends the wait for the next attempt', async () => {
  const abort = new AbortController();
  const work = (): string => {
    setTimeout(() => abort.abort(failure('aborted')), 10);
    throw failure('host-lost');
  };
  expect(await attempted(work, { signal: abort.signal })).toEqual({ end: 'aborted', attempts: 1 });
});
