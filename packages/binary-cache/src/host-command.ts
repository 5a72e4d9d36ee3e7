import type { RunResult } from '@seedbed/host';
import { BinaryCacheError } from './binary-cache-error.ts';
import { failureFromText } from './host-failure.ts';

type Ended = Pick<RunResult, 'exit' | 'stderr'>;

/** How a command ended, for a message: `exit code 2: tar: Unexpected EOF`. */
export function describeEnd({ exit, stderr }: Ended): string {
  const how =
    exit.kind === 'exited'
      ? `exit code ${exit.code}`
      : exit.kind === 'signaled'
        ? `ended by ${exit.name}`
        : 'the connection to it was lost';
  const said = stderr.trim().split('\n').slice(-3).join(' / ').slice(-500);
  return said === '' ? how : `${how}: ${said}`;
}

export function succeeded({ exit }: Ended): boolean {
  return exit.kind === 'exited' && exit.code === 0;
}

/** @throws {BinaryCacheError} `host-lost`. */
export function throwIfLost({ exit }: Ended, doing: string): void {
  if (exit.kind !== 'lost') return;
  throw new BinaryCacheError(
    'host-lost',
    `${doing} was interrupted: ${exit.cause.message} Call again when the host is back.`,
    {
      cause: exit.cause,
    },
  );
}

/** @throws {BinaryCacheError} unless the command ended with success: `host-lost`, `no-space`, `cache-unwritable`, `install-failed`. */
export function requireSuccess(ended: Ended, doing: string): void {
  throwIfLost(ended, doing);
  if (!succeeded(ended)) throw failureFromText(describeEnd(ended), doing);
}
