import { AgentCodexError } from './agent-codex-error.ts';

/** @throws {AgentCodexError} `aborted` when the caller has given up before it began. */
export function refuseAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted)
    throw new AgentCodexError('aborted', `${what} was given up by the caller.`, { cause: signal.reason });
}

/** Waits no longer than until the caller gives up. What it waited for goes on, and is somebody else's to end. @throws {AgentCodexError} `aborted`. */
export async function orAborted<T>(
  waitedFor: Promise<T>,
  signal: AbortSignal | undefined,
  what: string,
): Promise<T> {
  if (signal === undefined) return await waitedFor;
  const { promise: givenUp, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => {
    reject(new AgentCodexError('aborted', `${what} was given up by the caller.`, { cause: signal.reason }));
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    refuseAborted(signal, what);
    return await Promise.race([waitedFor, givenUp]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
