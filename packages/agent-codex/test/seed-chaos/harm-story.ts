import type { OAuthAudit } from '../../src/testing/index.ts';
import type { ChaosRecord } from './chaos-log.ts';

/** The last of them: a run has thousands. */
const LINES = 150;

export interface HarmedRun {
  readonly log: readonly ChaosRecord[];
  readonly audit: OAuthAudit;
  readonly violations: readonly string[];
}

/** What happened to the logins that violations speak of, in order: what holders and stores noted, and what the provider was shown. */
export function harmStory({ log, audit, violations }: HarmedRun): readonly string[] {
  const named = (text: string): boolean => violations.some((violation) => violation.includes(text));
  const seeds = new Set(log.flatMap((entry) => (entry.type === 'acquired' ? [entry.seedId] : [])));
  const seedOf = (by: string): string | undefined => /^agent\/([^/]+)\//.exec(by)?.[1];
  const harmed = new Set([...seeds].filter(named));
  for (const { fingerprint, presentations } of audit.refreshTokens)
    if (named(fingerprint)) for (const { by } of presentations) harmed.add(seedOf(by) ?? '');
  const accounts = new Set(
    audit.refreshTokens
      .filter(({ presentations }) => presentations.some(({ by }) => harmed.has(seedOf(by) ?? 'nobody')))
      .map(({ accountId }) => accountId),
  );
  const noted = log.flatMap(({ at, pid, ...entry }) => {
    const text = JSON.stringify(entry);
    const concerns =
      entry.type === 'disturbance' || [...harmed].some((seed) => seed !== '' && text.includes(seed));
    return concerns ? [{ at, text: `process ${pid}: ${text}` }] : [];
  });
  const shown = audit.refreshTokens
    .filter(({ accountId }) => accounts.has(accountId))
    .flatMap(({ fingerprint, generation, presentations }) =>
      presentations.map(({ atMs: at, by, outcome }) => ({
        at,
        text: `provider: token ${generation} (${fingerprint}) shown by ${by}: ${outcome}`,
      })),
    );
  const lines = [...noted, ...shown].toSorted((one, other) => one.at - other.at);
  return lines.slice(-LINES).map(({ at, text }) => `${new Date(at).toISOString().slice(11)} ${text}`);
}
