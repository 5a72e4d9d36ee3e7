import { type Host, type HostPath, joinHostPath, relativeHostPath } from '@seedbed/host';
import { bindSandboxPolicy, type ResolvedSandbox, type SandboxBinding, symbolPath } from './bind-policy.ts';
import { canonicalEntries } from './canonical-policy.ts';
import { createLinkFollower, type LinkFollower } from './follow-links.ts';
import type { PolicyEntry, SandboxPolicy } from './policy.ts';
import { SandboxPolicyError } from './sandbox-policy-error.ts';
import { userLogins } from './user-logins.ts';

/** Which Codex is to enforce a policy; see {@link SandboxBinding}. */
export type EnforcingCodex = Pick<SandboxBinding, 'codexVersion' | 'codexTree' | 'allowEscapableRoot'>;

type SurveyedBinding = Omit<SandboxBinding, keyof EnforcingCodex>;

/** Where a task is to be, as far as a host cannot know by itself; see {@link SandboxBinding}. The paths need not be canonical, nor there yet. */
export interface SurveyedPlace extends Omit<SurveyedBinding, 'uid' | 'home' | 'tmp'> {
  /**
   * Makes the logins of the host's user unreachable that are there: `~/.ssh`, `~/.aws`, `~/.codex` and the like. No task needs them,
   * and a command could otherwise read them.
   */
  readonly hideUserLogins?: boolean;
}

/** What a host said about the places that a policy is about. Made by `surveySandboxPolicy`. */
export interface PolicySurvey {
  readonly policy: SandboxPolicy;
  /** Canonical. */
  readonly place: SurveyedBinding;
  /** With the links in them followed, so that a grant cannot reach through a link into what is denied. Empty unless the profile is managed. */
  readonly entries: readonly PolicyEntry[];
}

/**
 * Follows every link on the way to the paths that a policy means on a host, and looks whether what is granted exists. Everything is asked
 * at the same time: it takes one step however much the policy names, a second one where something is missing or a login is a link.
 *
 * @throws {SandboxPolicyError} `invalid-policy` when a folder that is granted for writing is not there:
 *   Codex would leave the grant out without a word, and break on a granted file. Also when `taskTmp` lies in the workdir and a link there leads it out.
 * @throws {HostError} when the host cannot be asked.
 */
export async function surveySandboxPolicy(
  host: Host,
  policy: SandboxPolicy,
  { hideUserLogins = false, ...asked }: SurveyedPlace,
): Promise<PolicySurvey> {
  const follow = createLinkFollower(host);
  const { profile } = policy;
  const named = { uid: host.uid, home: host.home, tmp: host.tmp, ...asked };
  const entries = profile.kind === 'managed' ? profile.entries : [];
  const [place, logins, followed] = await Promise.all([
    canonicalPlace(follow, named),
    hideUserLogins ? userLogins(host, follow, asked.workdir) : [],
    Promise.all(entries.map((entry) => canonicalEntry(host, follow, { entry, place: named }))),
  ]);
  return {
    policy,
    place: { ...place, unreachable: [...(place.unreachable ?? []), ...logins] },
    entries: followed,
  };
}

/**
 * Binds a policy to the host that was looked at. Pure; `codexTree` is taken as canonical.
 *
 * @throws {SandboxPolicyError} as `bindSandboxPolicy`.
 */
export function bindSurveyedPolicy(
  { policy, place, entries }: PolicySurvey,
  codex: EnforcingCodex,
): ResolvedSandbox {
  const binding = { ...place, ...codex };
  if (policy.profile.kind !== 'managed') return bindSandboxPolicy(policy, binding);
  const profile = { ...policy.profile, entries: canonicalEntries(entries) };
  return { ...bindSandboxPolicy({ ...policy, profile }, binding), policy };
}

async function canonicalPlace(follow: LinkFollower, place: SurveyedBinding): Promise<SurveyedBinding> {
  const { taskHome, taskTmp } = place;
  const [workdir, codexHome, home, tmp, unreachable, followedHome, followedTmp] = await Promise.all([
    follow(place.workdir),
    follow(place.codexHome),
    follow(place.home),
    follow(place.tmp),
    Promise.all((place.unreachable ?? []).map(follow)),
    taskHome && follow(taskHome),
    taskTmp && follow(taskTmp),
  ]);
  if (taskTmp && followedTmp) refuseWayOut(place.workdir, taskTmp, { workdir, taskTmp: followedTmp });
  return {
    ...place,
    workdir,
    codexHome,
    home,
    tmp,
    unreachable,
    ...(followedHome === undefined ? {} : { taskHome: followedHome }),
    ...(followedTmp === undefined ? {} : { taskTmp: followedTmp }),
  };
}

/** Commands write in both: who has made the second a link would write, in the next session, wherever it leads. */
function refuseWayOut(
  workdir: HostPath,
  taskTmp: HostPath,
  real: { readonly workdir: HostPath; readonly taskTmp: HostPath },
): void {
  const isInside = relativeHostPath(workdir, taskTmp) !== undefined;
  if (!isInside || relativeHostPath(real.workdir, real.taskTmp) !== undefined) return;
  throw new SandboxPolicyError(
    'invalid-policy',
    `\`taskTmp\` ${taskTmp} lies in the workdir, but leads out of it, to ${real.taskTmp}: something in the task has put a link there. Remove the link.`,
  );
}

async function canonicalEntry(
  host: Host,
  follow: LinkFollower,
  { entry, place }: { readonly entry: PolicyEntry; readonly place: SurveyedBinding },
): Promise<PolicyEntry> {
  if (entry.kind === 'glob' || entry.path === '') return entry;
  const named = joinHostPath(symbolPath(entry.base, place), entry.path);
  const [path, stat] = await Promise.all([
    follow(named),
    entry.access === 'write' ? host.stat(named, { followLinks: true }) : undefined,
  ]);
  if (entry.access === 'write' && stat?.kind !== 'directory')
    throw noFolder(host, path, { entry, isThere: stat !== undefined });
  return { ...entry, base: ':root', path: path.slice(1) };
}

function noFolder(
  host: Host,
  path: HostPath,
  { entry, isThere }: { readonly entry: PolicyEntry; readonly isThere: boolean },
): SandboxPolicyError {
  const what = isThere ? 'no folder' : 'not there';
  const advice = isThere ? 'Grant the folder that holds it' : 'Create it, or leave the grant out';
  return new SandboxPolicyError(
    'invalid-policy',
    `\`${entry.setting}\` of the sandbox policy grants ${path} for writing, but on ${host.label} that is ${what}. ${advice}.`,
  );
}
