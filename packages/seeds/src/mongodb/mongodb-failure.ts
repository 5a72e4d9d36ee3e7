import {
  MongoError,
  MongoNetworkError,
  MongoNotConnectedError,
  MongoServerError,
  MongoServerSelectionError,
  MongoTopologyClosedError,
} from 'mongodb';
import { abortedError, SeedError } from '../seed-error.ts';
import { NoAnswerError } from './server-answer.ts';

/** Not primary, shutting down, out of time: another server, or the same one later, will do it. Codes of MongoDB's specification of retryable errors. */
const PASSING = new Set([6, 7, 50, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436, 64]);

function mongodbFailure(attempt: string, cause: unknown): SeedError {
  if (cause instanceof SeedError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  const passes =
    cause instanceof NoAnswerError ||
    cause instanceof MongoNetworkError ||
    cause instanceof MongoServerSelectionError ||
    cause instanceof MongoNotConnectedError ||
    cause instanceof MongoTopologyClosedError ||
    (cause instanceof MongoServerError && PASSING.has(Number(cause.code))) ||
    (cause instanceof MongoError && cause.hasErrorLabel('RetryableWriteError'));
  return new SeedError(passes ? 'store-unavailable' : 'store-failed', `Could not ${attempt}: ${reason}`, {
    cause,
  });
}

/** `attempt` completes the sentence "Could not …". */
export async function asked<T>(
  attempt: string,
  work: () => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (signal?.aborted) throw abortedError(signal, attempt);
    throw mongodbFailure(attempt, cause);
  }
}
