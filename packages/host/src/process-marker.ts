/**
 * The environment variable by which a host finds the processes that come from one it started, also those that left its group and lost their parent:
 * ids, the outermost first, separated by commas. A Seedbed that runs inside a process of another one adds its own to those it inherited.
 */
export const MARKER_NAME = 'SEEDBED_PROCESS';

/** The value for a child, given what the host's own environment holds. */
export function markerValue(inherited: string | undefined, id: string): string {
  return inherited === undefined || inherited === '' ? id : `${inherited},${id}`;
}
