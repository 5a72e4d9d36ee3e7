/**
 * - `invalid-config`: settings that cannot hold together; the message names them.
 * - `not-logged-in`: nobody is logged in where a login was to be captured.
 * - `unreadable`: a file or stored content is there, and is not what it should be.
 * - `already-captured`: another seed holds this login, or keeps it aside. Two seeds of one login would spend one token twice.
 * - `not-found`: no such seed.
 * - `unavailable`: no seed can be had now; a {@link SeedUnavailableError}, which says why and when.
 * - `in-use`: somebody holds the seed.
 * - `lease-lost`: the lease has lapsed, was taken, or has ended; what was held under it is somebody else's now.
 * - `not-saved`: a credential could be saved neither in the store nor in the journal. It is still where it was read: keep that.
 * - `unsealing-failed`: the keyring, or the codec of a shared pool, does not open what is stored: its key is missing, is another, or the bytes were changed.
 * - `too-large`: a file of a seed is larger than a login can be.
 * - `store-unavailable`: the store does not answer; it may later. What was asked may or may not have happened.
 * - `store-failed`: any other failure of the store; `cause` has it.
 * - `host-failed`: the host failed; `cause` has its `HostError`.
 * - `journal-failed`: the journal's folder cannot be read or written.
 * - `aborted`: the caller's signal fired.
 */
export type SeedErrorCode =
  | 'invalid-config'
  | 'not-logged-in'
  | 'unreadable'
  | 'already-captured'
  | 'not-found'
  | 'unavailable'
  | 'in-use'
  | 'lease-lost'
  | 'not-saved'
  | 'unsealing-failed'
  | 'too-large'
  | 'store-unavailable'
  | 'store-failed'
  | 'host-failed'
  | 'journal-failed'
  | 'aborted';

/** The error class of this package. The message says what was tried, what happened and, where known, what to do; never a token. */
export class SeedError extends Error {
  override readonly name: string = 'SeedError';
  readonly code: SeedErrorCode;

  constructor(code: SeedErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Why one seed could not be had. */
export interface SeedRefusal {
  readonly seedId: string;
  /**
   * `unsettled`: its last holder ended without saying what became of the token, and the place where that would be found could not be looked at.
   */
  readonly reason: 'leased' | 'retired' | 'exhausted' | 'unsettled' | 'unreadable' | 'lost-the-race';
  /** When that ends by itself, in milliseconds since the epoch by the store's clock, where it is known. */
  readonly untilMs?: number;
  readonly detail?: string;
}

/** No seed can be had now. */
export class SeedUnavailableError extends SeedError {
  override readonly name = 'SeedUnavailableError';
  declare readonly code: 'unavailable';
  /** Of every seed that was asked for; empty when there is none. */
  readonly refusals: readonly SeedRefusal[];
  /** When the first of them may be free, in milliseconds since the epoch; `undefined` when nobody knows. */
  readonly nextFreeMs: number | undefined;

  constructor(wanted: string, refusals: readonly SeedRefusal[]) {
    const times = refusals.flatMap(({ untilMs }) => (untilMs === undefined ? [] : [untilMs]));
    const nextFreeMs = times.length === 0 ? undefined : Math.min(...times);
    super('unavailable', story(wanted, refusals, nextFreeMs));
    this.refusals = refusals;
    this.nextFreeMs = nextFreeMs;
  }
}

function story(wanted: string, refusals: readonly SeedRefusal[], nextFreeMs: number | undefined): string {
  if (refusals.length === 0)
    return `No seed for ${wanted}: there is none. Capture a login, or put one into the pool.`;
  const each = refusals.map(({ seedId, reason, detail }) => {
    return `${seedId} is ${reason}${detail === undefined ? '' : ` (${detail})`}`;
  });
  const next =
    nextFreeMs === undefined ? '' : ` The next may be free at ${new Date(nextFreeMs).toISOString()}.`;
  return `No seed for ${wanted}: ${each.join('; ')}.${next}`;
}

/** The error of an operation that the caller's signal stopped. */
export function abortedError(signal: AbortSignal, attempt: string): SeedError {
  return new SeedError('aborted', `Told to stop before it was done: ${attempt}.`, { cause: signal.reason });
}

/** @throws {SeedError} `aborted` when the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined, attempt: string): void {
  if (signal?.aborted) throw abortedError(signal, attempt);
}

/**
 * What `work` gives, unless the signal fires first; `late` is then given what it gives in the end.
 *
 * @throws {SeedError} `aborted`.
 */
export async function unlessAborted<T>(
  work: () => Promise<T>,
  {
    signal,
    attempt,
    late = () => undefined,
  }: {
    readonly signal: AbortSignal | undefined;
    readonly attempt: string;
    readonly late?: (work: Promise<T>) => unknown;
  },
): Promise<T> {
  throwIfAborted(signal, attempt);
  const working = work();
  if (signal === undefined) return await working;
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(abortedError(signal, attempt));
  signal.addEventListener('abort', onAbort, { once: true });
  aborted.promise.catch(() => undefined);
  working.catch(() => undefined);
  try {
    const done = await Promise.race([working, aborted.promise]);
    throwIfAborted(signal, attempt);
    return done;
  } catch (failure) {
    if (!signal.aborted) throw failure;
    late(working);
    throw abortedError(signal, attempt);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
