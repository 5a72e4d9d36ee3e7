import { HostError } from '../../host-error.ts';
import type { ScriptResult } from '../link/control-shell.ts';
import { shellFailure } from './shell-failure.ts';

/** The exit codes by which scripts about one file say what needs no words; a failure of a tool is 1. */
export const REFUSAL = {
  /** The file is there, and was to be created. */
  exists: 71,
  directory: 72,
  /** Neither a file nor a folder. */
  other: 73,
  /** `printf` is not the shell's own. */
  noPrintf: 74,
} as const;

/** The failure that a script told of, by its exit code or by what a tool printed. */
export function scriptFailure(
  attempt: string,
  { code, stderr }: Pick<ScriptResult, 'code' | 'stderr'>,
): HostError {
  switch (code) {
    case REFUSAL.exists: {
      const why = 'it is there already, and the write was to create it';
      return new HostError('already-exists', `Could not ${attempt}: ${why}.`);
    }
    case REFUSAL.directory:
      return new HostError('is-a-directory', `Could not ${attempt}: it is a folder.`);
    case REFUSAL.other: {
      const why = 'it is a device, a pipe or a socket, which may never end';
      return new HostError('unsupported', `Could not ${attempt}: ${why}.`);
    }
    default:
      return shellFailure(attempt, stderr);
  }
}
