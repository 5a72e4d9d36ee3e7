import { AgentCodexError } from './agent-codex-error.ts';

/** @throws {AgentCodexError} `aborted` when the caller has given up before it began. */
export function refuseAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted)
    throw new AgentCodexError('aborted', `${what} was given up by the caller.`, { cause: signal.reason });
}
