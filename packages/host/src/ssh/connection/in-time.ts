import { HostError } from '../../host-error.ts';

export interface InTimeOptions<T> {
  readonly withinMs: number;
  /** What the host did not do, after "The host". */
  readonly failed: string;
  /** What came too late must not keep a place on the host. */
  readonly undo: (late: T) => unknown;
}

/**
 * What the host answers, unless it does not. Signs of life do not help here: an sshd, or what it starts, may hang and still answer keepalives.
 *
 * @throws {HostError} `timeout`.
 */
export async function inTime<T>(
  answer: Promise<T>,
  { withinMs, failed, undo }: InTimeOptions<T>,
): Promise<T> {
  const overdue = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    overdue.reject(new HostError('timeout', `The host ${failed} within ${withinMs} ms; it seems to hang.`));
    answer.then(undo, () => undefined);
  }, withinMs);
  try {
    return await Promise.race([answer, overdue.promise]);
  } finally {
    clearTimeout(timer);
  }
}
