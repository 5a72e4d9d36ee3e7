import { unlessAborted } from '../abort.ts';
import { BlobStoreError } from '../blob-store-error.ts';
import { gridFsFailure } from './gridfs-failure.ts';

/** What is asked of the server, for whom, and for how long. */
export interface Question {
  /** Completes the sentence "Could not …". */
  readonly attempt: string;
  readonly signal: AbortSignal | undefined;
}

/** Waits for what was asked. */
export type Answered = <T>(asked: Promise<T>, question: Question) => Promise<T>;

/**
 * The server's answer, unless it takes longer than `answerMs` or the signal fires. The driver by itself waits for a silent connection until it finds out that the server is gone,
 * and where that does not happen forever.
 *
 * @throws {BlobStoreError} `unavailable`, `aborted`, and what else `gridFsFailure` makes of the driver's errors.
 */
export function answeredWithin(answerMs: number): Answered {
  return async (asked, { attempt, signal }) => {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      late.reject(
        new BlobStoreError(
          'unavailable',
          `Could not ${attempt}: no answer from MongoDB within ${answerMs} ms.`,
        ),
      );
    }, answerMs);
    asked.catch(() => undefined);
    try {
      return await unlessAborted(Promise.race([asked, late.promise]), signal, attempt);
    } catch (error) {
      throw gridFsFailure(error, attempt);
    } finally {
      clearTimeout(timer);
    }
  };
}
