import type { SandboxReport } from './sandbox-report.ts';

/**
 * What can be wrong with a sandbox policy, in the order in which a launch meets it.
 *
 * - `invalid-policy`: not of the policy's form: an unknown key, a relative grant, a granted folder that is not there.
 * - `contradiction`: two settings that cannot both hold; `settings` names them.
 * - `unsupported-by-version`: something that this version of Codex cannot enforce, and would weaken without a word.
 * - `root-refused`: root with a version of Codex whose sandbox root can leave.
 * - `probe-failed`: the sandbox of this host does not hold, or could not be shown to hold; `report` has what was seen.
 * - `not-in-effect`: Codex answered that another policy than the one asked for is in effect.
 */
export type SandboxPolicyErrorCode =
  | 'invalid-policy'
  | 'contradiction'
  | 'unsupported-by-version'
  | 'root-refused'
  | 'probe-failed'
  | 'not-in-effect';

export interface SandboxPolicyErrorDetails extends ErrorOptions {
  readonly settings?: readonly [string, string];
  readonly report?: SandboxReport;
}

/** The one error class of this package. The message says what was asked, what is wrong with it and what to do. */
export class SandboxPolicyError extends Error {
  override readonly name = 'SandboxPolicyError';
  readonly code: SandboxPolicyErrorCode;
  /** Of a `contradiction`: the two settings, by the names that the caller knows them by, such as `extraAllowedDirs[0]`. */
  readonly settings: readonly [string, string] | undefined;
  /** Of `probe-failed`: every check with what was expected and what was seen. */
  readonly report: SandboxReport | undefined;

  constructor(code: SandboxPolicyErrorCode, message: string, details: SandboxPolicyErrorDetails = {}) {
    super(message, details);
    this.code = code;
    this.settings = details.settings;
    this.report = details.report;
  }
}

/** A `contradiction` between two settings; `why` is a sentence that ends in what to do. */
export function contradiction(first: string, second: string, why: string): SandboxPolicyError {
  return new SandboxPolicyError(
    'contradiction',
    `\`${first}\` and \`${second}\` contradict each other: ${why}`,
    {
      settings: [first, second],
    },
  );
}
