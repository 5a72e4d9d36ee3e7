import type { JsonRpcPeer } from '@seedbed/conversation-protocol/json-rpc';
import type { HostProcess, ProcessExit } from '@seedbed/host';
import { AgentCodexError } from '../agent-codex-error.ts';
import type { OutputTail } from './output-tail.ts';

export interface ServerEnd {
  readonly stderr: OutputTail;
  /** The end that somebody has asked for, who says how long it may take; `undefined` while nobody has. */
  asked(): Promise<ProcessExit> | undefined;
}

/** Resolves once the other side cannot answer any more, and says how it ended: exit status and the last lines of stderr. Never rejects. */
export async function goneReason(
  process: HostProcess,
  peer: JsonRpcPeer,
  { stderr, asked }: ServerEnd,
): Promise<AgentCodexError> {
  const closed = await peer.closed;
  const { how, cause } = await endOf(asked() ?? process.end({ graceMs: 1000 }));
  const said = stderr.text().trim();
  const wire = closed.error === undefined ? '' : ` ${closed.error.message}`;
  return new AgentCodexError('agent-lost', `Codex ${how}.${wire}${said === '' ? '' : ` It said:\n${said}`}`, {
    cause: closed.error ?? cause,
  });
}

/** The pipe closes a moment before the exit status is known; a process that only closed its output is ended here. */
async function endOf(
  ending: Promise<ProcessExit>,
): Promise<{ readonly how: string; readonly cause?: unknown }> {
  try {
    const exit = await ending;
    if (exit.kind === 'exited') return { how: `ended with exit code ${exit.code}` };
    if (exit.kind === 'signaled') return { how: `was ended by ${exit.name}` };
    return { how: `could not be reached any more (${exit.cause.message})`, cause: exit.cause };
  } catch (cause) {
    // The host may fail between its end and the look at what it has left.
    const why = cause instanceof Error ? cause.message : String(cause);
    return { how: `is gone, and it is not known what it has left (${why})`, cause };
  }
}
