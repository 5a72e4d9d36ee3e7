import { AgentCodexError } from './agent-codex-error.ts';

/** What differs between the versions of Codex that matter here. Each line was seen with the real binaries 0.142.5 and 0.169.0. */
export interface CodexTraits {
  readonly version: string;
  /** 0.142 counts turns from the end (`thread/rollback`), 0.169 names the first turn to go (`thread/revert`). */
  readonly rewind: 'rollback' | 'revert';
  /** In the approvals of the first protocol 0.169 wants a reason with a denial. */
  readonly legacyDenial: unknown;
  /** What Codex is lent of a login stays off the disk: 0.142 writes it into its log database. */
  readonly keepsLentTokens: boolean;
}

/** @throws {AgentCodexError} `unsupported` for a version that is older than any that was measured. */
export function codexTraits(version: string): CodexTraits {
  const order = compareCodexVersions(version, '0.142.0');
  if (order < 0) {
    throw new AgentCodexError(
      'unsupported',
      `Codex ${version} is older than 0.142.5, the oldest that is supported.`,
    );
  }
  const newer = compareCodexVersions(version, '0.169.0') >= 0;
  return {
    version,
    rewind: newer ? 'revert' : 'rollback',
    legacyDenial: newer ? { denied: { rejection: 'Denied by the user.' } } : 'denied',
    keepsLentTokens: newer,
  };
}

/** Negative when `a` is older than `b`. Only the three numbers count. */
export function compareCodexVersions(a: string, b: string): number {
  const [left, right] = [numbers(a), numbers(b)];
  for (const index of [0, 1, 2] as const) {
    const difference = left[index] - right[index];
    if (difference !== 0) return difference;
  }
  return 0;
}

function numbers(version: string): readonly [number, number, number] {
  const match = /^(\d+)\.(\d+)\.(\d+)/.exec(version);
  if (match === null)
    throw new AgentCodexError('wrong-version', `${JSON.stringify(version)} is not a version of Codex.`);
  return [Number(match[1]), Number(match[2]), Number(match[3])];
}
