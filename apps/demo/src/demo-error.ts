/**
 * - `usage`: the command line cannot be understood.
 * - `no-terminal`: nobody is there who could be asked, and `--yes` was not given.
 * - `no-key`: the real service was asked for and there is no key for it.
 * - `workdir-taken`: there are files already where the sample repository is to be made.
 * - `root-refused`: root with a version of Codex whose sandbox root can leave.
 */
export type DemoErrorCode = 'usage' | 'no-terminal' | 'no-key' | 'workdir-taken' | 'root-refused';

/** Why the demonstration did not begin. Nothing has been fetched or started when it is thrown. */
export class DemoError extends Error {
  override readonly name = 'DemoError';
  readonly code: DemoErrorCode;

  constructor(code: DemoErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
