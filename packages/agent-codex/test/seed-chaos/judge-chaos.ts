import type { OAuthAudit } from '../../src/testing/index.ts';
import type { ChaosRecord } from './chaos-log.ts';

/** What happened in a run. */
export interface ChaosCounts {
  readonly sessions: number;
  readonly sessionsOverSsh: number;
  readonly rotationsByAgents: number;
  readonly rotationsByVerification: number;
  readonly salvages: number;
  readonly journalCatchUps: number;
  readonly journaled: number;
  readonly leasesLost: number;
  readonly clockLeaps: number;
  readonly keptAside: number;
  readonly spentTwice: number;
}

export function countChaos(log: readonly ChaosRecord[], audit: OAuthAudit): ChaosCounts {
  const events = (name: string): number =>
    log.filter((entry) => entry.type === 'event' && entry.event === name).length;
  const rotations = (by: string): number =>
    audit.refreshTokens
      .flatMap(({ presentations }) => presentations)
      .filter((each) => {
        return each.outcome === 'spent' && each.by.startsWith(by);
      }).length;
  return {
    sessions: log.filter(({ type }) => type === 'acquired').length,
    sessionsOverSsh: log.filter((entry) => entry.type === 'agent' && entry.where === 'ssh').length,
    rotationsByAgents: rotations('agent/'),
    rotationsByVerification: rotations('verification/'),
    salvages: events('salvaged'),
    journaled: events('journaled'),
    journalCatchUps: events('caught-up'),
    leasesLost: events('lease-lost'),
    keptAside: events('kept-aside'),
    clockLeaps: log.filter(({ type }) => type === 'clock-step').length,
    spentTwice: audit.spentTwice.length,
  };
}

/** What must not happen, by what the provider saw and what holders wrote down. */
export function judgeChaos(log: readonly ChaosRecord[], audit: OAuthAudit): readonly string[] {
  return [
    ...log.flatMap((entry) => (entry.type === 'fault' ? [`unexpected: ${entry.story}`] : [])),
    ...log.flatMap((entry) => (entry.type === 'refused' ? [`${entry.by} was refused: ${entry.reason}`] : [])),
    ...audit.spentTwice.map(
      ({ fingerprint, presentations }) =>
        `token ${fingerprint} was shown again: ${presentations.map(({ atMs, by }) => `${by} at ${atMs}`).join(', ')}`,
    ),
    ...sameFences(log),
    ...lateUses(log, audit),
  ];
}

type Acquired = Extract<ChaosRecord, { type: 'acquired' }>;

function acquisitions(log: readonly ChaosRecord[]): readonly Acquired[] {
  return log.filter((entry): entry is Acquired => entry.type === 'acquired');
}

function sameFences(log: readonly ChaosRecord[]): readonly string[] {
  const given = acquisitions(log).map(({ seedId, fence }) => `${seedId}/${fence}`);
  return given
    .filter((each, at) => given.indexOf(each) !== at)
    .map((each) => `fence ${each} was given twice`);
}

/** A holder that showed a token after somebody else had been given the seed. */
function lateUses(log: readonly ChaosRecord[], { requests }: OAuthAudit): readonly string[] {
  const all = acquisitions(log);
  return requests.flatMap(({ atMs, by }) => {
    const [, seedId, fenceText] = /^agent\/([^/]+)\/(\d+)$/.exec(by) ?? [];
    const fence = Number(fenceText);
    const later = all.find((each) => each.seedId === seedId && each.fence > fence && each.at < atMs);
    return later === undefined
      ? []
      : [`${by} came at ${atMs}, and fence ${later.fence} was given at ${later.at}`];
  });
}
