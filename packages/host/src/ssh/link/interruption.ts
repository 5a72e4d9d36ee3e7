import { HostError } from '../../host-error.ts';

/** What was asked of the host did not come back, because the connection broke. */
export interface Interruption {
  readonly kind: 'interrupted';
  readonly cause: Error;
  /** Whether the host may have begun with it. What was not sent is safe to ask for again. */
  readonly wasSent: boolean;
}

/** How often something is asked for again. Each time a connection has broken since, so that more of them mean a host that breaks them. */
const MAX_REPEATS = 5;

export interface RepeatOptions {
  /** For messages, after "Could not". */
  readonly attempt: string;
  /** Doing it twice does the same as doing it once: so it is done again when the connection broke and nobody knows whether it was done. */
  readonly repeatable?: boolean;
}

/**
 * Asks again after an interruption, where that is safe.
 *
 * @throws {HostError} `host-lost`, whose message says whether the host may have done it.
 */
export async function throughInterruptions<T>(
  { attempt, repeatable = false }: RepeatOptions,
  ask: () => Promise<{ readonly kind: 'done'; readonly value: T } | Interruption>,
): Promise<T> {
  for (let repeats = 0; ; repeats += 1) {
    const answer = await ask();
    if (answer.kind === 'done') return answer.value;
    const { cause, wasSent } = answer;
    if (wasSent && !repeatable) {
      throw new HostError(
        'host-lost',
        `Could not learn whether this was done: ${attempt}. The connection broke after the host was told to, and before it answered. ${cause.message}`,
        { cause },
      );
    }
    if (repeats === MAX_REPEATS) {
      const story = `The connection broke ${repeats + 1} times in a row. ${cause.message}`;
      throw new HostError('host-lost', `Could not ${attempt}: ${story}`, { cause });
    }
  }
}
