import type { Host } from '@seedbed/host';
import pRetry from 'p-retry';
import { BinaryCacheError } from './binary-cache-error.ts';

/** How often in a row the link may break without anything having been gained. */
const maxBreaks = 5;

/**
 * Does the work again when the link to the host broke under it, and the host may come back. `advance` says that something was gained: then it counts as the first time.
 */
export async function throughBrokenLinks<T>(
  host: Pick<Host, 'signal'>,
  signal: AbortSignal,
  work: (advance: () => void) => Promise<T>,
): Promise<T> {
  let hasAdvanced = false;
  const advance = (): void => {
    hasAdvanced = true;
  };
  return await pRetry(() => work(advance), {
    retries: maxBreaks,
    minTimeout: 500,
    maxTimeout: 10_000,
    signal,
    shouldConsumeRetry: () => {
      const gained = hasAdvanced;
      hasAdvanced = false;
      return !gained;
    },
    shouldRetry: ({ error }) =>
      error instanceof BinaryCacheError && error.code === 'host-lost' && !host.signal.aborted,
  });
}
