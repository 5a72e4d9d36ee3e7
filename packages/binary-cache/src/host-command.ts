import type { RunResult } from '@seedbed/host';

/** How a command ended, for a message: `exit code 2: tar: Unexpected EOF`. */
export function describeEnd({ exit, stderr }: RunResult): string {
  const how =
    exit.kind === 'exited'
      ? `exit code ${exit.code}`
      : exit.kind === 'signaled'
        ? `ended by ${exit.name}`
        : 'the connection to it was lost';
  const said = stderr.trim().split('\n').slice(-3).join(' / ').slice(-500);
  return said === '' ? how : `${how}: ${said}`;
}

export function succeeded({ exit }: RunResult): boolean {
  return exit.kind === 'exited' && exit.code === 0;
}
