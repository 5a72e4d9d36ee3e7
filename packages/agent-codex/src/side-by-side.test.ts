import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { sideBySide } from './side-by-side.ts';

describe('work side by side', () => {
  it('gives every result, in its place', async () => {
    expect(await sideBySide(undefined, () => [Promise.resolve(1), delay(1, 'two')])).toEqual([1, 'two']);
  });

  it('fails with the first failure, once the rest has been given up and has ended', async () => {
    const first = new Error('first');
    let ended = false;
    const given = sideBySide(undefined, (signal) => [
      Promise.reject(first),
      delay(60_000, undefined, { signal }).catch(async (second: unknown) => {
        await delay(5);
        ended = true;
        throw second;
      }),
    ]);
    await expect(given).rejects.toBe(first);
    expect(ended).toBe(true);
  });

  it('is given up by the caller', async () => {
    const stop = new AbortController();
    const given = sideBySide(stop.signal, (signal) => [delay(60_000, undefined, { signal })]);
    stop.abort();
    await expect(given).rejects.toMatchObject({ name: 'AbortError' });
  });
});
