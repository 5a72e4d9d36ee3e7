import { type Host, HostError, type HostPath, joinHostPath, relativeHostPath } from '@seedbed/host';
import type { LinkFollower } from './follow-links.ts';

/** Where the tools of a host's user keep what lets them act in somebody's name. */
const NAMES: ReadonlySet<string> = new Set([
  '.aws',
  '.azure',
  '.codex',
  '.docker',
  '.git-credentials',
  '.gnupg',
  '.kube',
  '.netrc',
  '.npmrc',
  '.pypirc',
  '.ssh',
]);

/** The logins of the host's user that are there, canonical. One that holds the workdir itself is left out. */
export async function userLogins(
  host: Host,
  followLinks: LinkFollower,
  workdir: HostPath,
): Promise<readonly HostPath[]> {
  const [home, names, place] = await Promise.all([
    followLinks(host.home),
    loginsIn(host, host.home),
    followLinks(workdir),
  ]);
  const found = await Promise.all(
    names.map(({ name, isLink }) =>
      isLink ? followLinks(joinHostPath(host.home, name)) : joinHostPath(home, name),
    ),
  );
  return found.filter((path) => relativeHostPath(path, place) === undefined).sort();
}

async function loginsIn(
  host: Host,
  home: HostPath,
): Promise<readonly { readonly name: string; readonly isLink: boolean }[]> {
  const found: { name: string; isLink: boolean }[] = [];
  try {
    for await (const { kind, name } of host.list(home)) {
      if (NAMES.has(name)) found.push({ name, isLink: kind === 'symlink' });
    }
  } catch (failure) {
    // A user without a home has no logins in it.
    if (!(failure instanceof HostError) || failure.code !== 'not-found') throw failure;
  }
  return found;
}
