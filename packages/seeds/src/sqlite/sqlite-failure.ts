import { SeedError } from '../seed-error.ts';

/** Busy, locked, out of memory, an I/O error, a full disk, a file that cannot be opened: the next try may go well. */
const PASSING = new Set([5, 6, 7, 10, 13, 14]);

export function isBusy(failure: unknown): boolean {
  const code = primaryCode(failure);
  return code === 5 || code === 6;
}

export function sqliteFailure(attempt: string, cause: unknown): SeedError {
  if (cause instanceof SeedError) return cause;
  const code = primaryCode(cause);
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SeedError(
    code !== undefined && PASSING.has(code) ? 'store-unavailable' : 'store-failed',
    `Could not ${attempt}: ${reason}.`,
    { cause },
  );
}

function primaryCode(failure: unknown): number | undefined {
  if (!(failure instanceof Error) || !('errcode' in failure)) return undefined;
  return typeof failure.errcode === 'number' ? failure.errcode & 0xff : undefined;
}
