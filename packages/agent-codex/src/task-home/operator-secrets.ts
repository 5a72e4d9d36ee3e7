import { type Host, HostError, type HostPath, joinHostPath, relativeHostPath } from '@seedbed/host';

/** Where the tools of the host's user keep what lets them act in somebody's name. */
const names: ReadonlySet<string> = new Set([
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

/**
 * The logins of the host's user that are there: no task needs them, and a command could otherwise read them.
 * One that holds the workdir itself is left out.
 */
export async function operatorSecrets(host: Host, workdir: HostPath): Promise<readonly HostPath[]> {
  const found: HostPath[] = [];
  try {
    for await (const { name } of host.list(host.home)) {
      const path = joinHostPath(host.home, name);
      if (names.has(name) && relativeHostPath(path, workdir) === undefined) found.push(path);
    }
  } catch (error) {
    // A user without a home has no logins in it.
    if (!(error instanceof HostError) || error.code !== 'not-found') throw error;
  }
  return found.sort();
}
