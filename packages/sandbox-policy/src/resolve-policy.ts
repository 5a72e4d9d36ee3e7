import {
  type Host,
  HostError,
  type HostPath,
  hostPathName,
  joinHostPath,
  parentHostPath,
} from '@seedbed/host';
import { bindSandboxPolicy, type ResolvedSandbox, type SandboxBinding, symbolPath } from './bind-policy.ts';
import { canonicalEntries } from './canonical-policy.ts';
import type { PolicyEntry, SandboxPolicy } from './policy.ts';
import { SandboxPolicyError } from './sandbox-policy-error.ts';

/** What a host cannot know by itself; see {@link SandboxBinding}. */
export type TaskPlace = Omit<SandboxBinding, 'uid' | 'home' | 'tmp'>;

/**
 * Binds a policy to a host: follows every link on the way to the paths that are meant, there, and looks whether what is granted exists.
 *
 * @throws {SandboxPolicyError} as `bindSandboxPolicy`, and `invalid-policy` when a folder that is granted for writing is not there:
 *   Codex would leave the grant out without a word, and break on a granted file.
 * @throws {HostError} when the host cannot be asked.
 */
export async function resolveSandboxPolicy(
  host: Host,
  policy: SandboxPolicy,
  place: TaskPlace,
): Promise<ResolvedSandbox> {
  const binding = await canonicalBinding(host, place);
  if (policy.profile.kind !== 'managed') return bindSandboxPolicy(policy, binding);
  const entries: PolicyEntry[] = [];
  for (const entry of policy.profile.entries) entries.push(await canonicalEntry(host, entry, binding));
  const profile = { ...policy.profile, entries: canonicalEntries(entries) };
  return { ...bindSandboxPolicy({ ...policy, profile }, binding), policy };
}

async function canonicalBinding(host: Host, place: TaskPlace): Promise<SandboxBinding> {
  const follow = (path: HostPath): Promise<HostPath> => followLinks(host, path);
  const [workdir, codexHome, home, tmp, unreachable] = await Promise.all([
    follow(place.workdir),
    follow(place.codexHome),
    follow(host.home),
    follow(host.tmp),
    Promise.all((place.unreachable ?? []).map(follow)),
  ]);
  return {
    ...place,
    uid: host.uid,
    workdir,
    codexHome,
    home,
    tmp,
    unreachable,
    ...(place.taskHome === undefined ? {} : { taskHome: await follow(place.taskHome) }),
    ...(place.taskTmp === undefined ? {} : { taskTmp: await follow(place.taskTmp) }),
    ...(place.codexTree === undefined ? {} : { codexTree: await follow(place.codexTree) }),
  };
}

/** The same entry with the links in it followed, so that a grant cannot reach through a link into what is denied. */
async function canonicalEntry(host: Host, entry: PolicyEntry, binding: SandboxBinding): Promise<PolicyEntry> {
  if (entry.kind === 'glob' || entry.path === '') return entry;
  const path = await followLinks(host, joinHostPath(symbolPath(entry.base, binding), entry.path));
  if (entry.access === 'write') await refuseMissingFolder(host, path, entry.setting);
  return { ...entry, base: ':root', path: path.slice(1) };
}

async function refuseMissingFolder(host: Host, path: HostPath, setting: string): Promise<void> {
  const stat = await host.stat(path);
  if (stat?.kind === 'directory') return;
  throw new SandboxPolicyError(
    'invalid-policy',
    `\`${setting}\` of the sandbox policy grants ${path} for writing, but on ${host.label} that is ${stat === undefined ? 'not there' : 'no folder'}. ${stat === undefined ? 'Create it, or leave the grant out' : 'Grant the folder that holds it'}.`,
  );
}

/** Where a path leads, of which any part at the end may be missing. */
async function followLinks(host: Host, path: HostPath): Promise<HostPath> {
  const missing: string[] = [];
  for (let existing = path; ; existing = parentHostPath(existing)) {
    try {
      return joinHostPath(await host.canonicalize(existing), ...missing);
    } catch (failure) {
      if (!(failure instanceof HostError) || failure.code !== 'not-found' || existing === '/') throw failure;
      missing.unshift(hostPathName(existing));
    }
  }
}
