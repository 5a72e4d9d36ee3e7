/**
 * The environment variable by which a host finds the processes that come from one it started, also those that left its group and lost their parent:
 * ids, the outermost first, separated by commas. A Seedbed that runs inside a process of another one adds its own to those it inherited.
 *
 * A command may name ids of its own in it. Whatever carries one of them then belongs to the process: so a program that cleans the environment
 * of what it starts, and can be told to set a variable there, cannot lose anything.
 */
export const MARKER_NAME = 'SEEDBED_PROCESS';

export interface ProcessMarker {
  /** Of the child's variable. */
  readonly value: string;
  /** By any of these a process is known as the child's. */
  readonly ids: readonly string[];
}

/** The marker of a new process, given the variable in the host's own environment and in that which the command asks for. */
export function processMarker(
  id: string,
  inherited: string | undefined,
  wanted: string | undefined,
): ProcessMarker {
  const outer = markerIds(inherited);
  const own = markerIds(wanted).filter((one) => !outer.includes(one));
  return { value: [...outer, ...own, id].join(','), ids: [...own, id] };
}

/** The ids in a value of the variable. */
export function markerIds(value: string | undefined): readonly string[] {
  return (value ?? '').split(',').filter((id) => id !== '');
}
