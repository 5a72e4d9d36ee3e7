import { randomBytes } from 'node:crypto';
import { type Host, HostError, type HostPath, hostPath, joinHostPath, run } from '@seedbed/host';
import { BinaryCacheError } from './binary-cache-error.ts';
import type { Evidence } from './binary-source.ts';
import type { CacheFiles } from './cache-survey.ts';
import { requireSuccess } from './host-command.ts';
import { hostFailure } from './host-failure.ts';
import { integrityHex } from './integrity.ts';
import { type Artifact, platformName, type Release } from './release.ts';
import { isTrusted } from './trusted-owner.ts';

/** Where a cache keeps what, on the host. `docs/architecture/binary-cache.md` draws it. */
export interface CacheLayout {
  /** Canonical. */
  readonly root: HostPath;
  /** Symbolic links, one for each binary that can be had, into `trees`. Switching one is the moment at which an install counts. */
  readonly entries: HostPath;
  /** Complete trees, never changed once they are here. */
  readonly trees: HostPath;
  /** Installs under way, and what killed ones left. */
  readonly incoming: HostPath;
  /** One empty file a tree; its time says when the tree was last asked for. */
  readonly used: HostPath;
}

/** Bound to a change of the layout. */
const formatFolder = 'v1';

/**
 * The variables that decide where the cache is. A host hands on only what it was told to:
 * `createLocalHost({ inherit: cacheEnvironmentNames })` lets the user's choice count.
 */
export const cacheEnvironmentNames: readonly string[] = ['CODEX_CACHE_DIR', 'XDG_CACHE_HOME'];

/**
 * The folder of the cache on a host: `directory` if given, else the host's `CODEX_CACHE_DIR`, else `seedbed/bin` in its `XDG_CACHE_HOME`
 * or `~/.cache`. A relative `XDG_CACHE_HOME` is ignored, as its specification demands.
 */
export function cacheDirectory(host: Pick<Host, 'env' | 'home'>, directory?: HostPath): HostPath {
  const chosen = directory ?? host.env['CODEX_CACHE_DIR'];
  if (chosen !== undefined && chosen !== '') return hostPath(chosen);
  const xdg = host.env['XDG_CACHE_HOME'];
  const base = xdg?.startsWith('/') ? hostPath(xdg) : joinHostPath(host.home, '.cache');
  return joinHostPath(base, 'seedbed', 'bin');
}

/** What holds everything of a cache, as it is named. */
export function formatDirectory(directory: HostPath): HostPath {
  return joinHostPath(directory, formatFolder);
}

/**
 * Finds the cache's folders; `undefined` when there is no cache yet.
 *
 * @throws {BinaryCacheError} `cache-untrusted` when somebody else could have put things there.
 */
export async function findLayout(host: CacheFiles, directory: HostPath): Promise<CacheLayout | undefined> {
  let root: HostPath;
  try {
    root = await host.canonicalize(formatDirectory(directory));
  } catch (error) {
    if (error instanceof HostError && (error.code === 'not-found' || error.code === 'not-a-directory'))
      return undefined;
    throw hostFailure(error, `Finding the cache in ${directory}`);
  }
  const layout = layoutAt(root);
  const stats = await Promise.all(
    [layout.root, layout.entries, layout.trees, layout.incoming].map(async (path) => ({
      path,
      found: await host.stat(path),
    })),
  );
  for (const { path, found } of stats) {
    if (found === undefined) {
      // Only an install needs it.
      if (path === layout.incoming) continue;
      return undefined;
    }
    if (found.kind !== 'directory' || !isTrusted(found, host)) {
      throw new BinaryCacheError(
        'cache-untrusted',
        `${path} is not a folder that only this user or root can write, so that nothing in it can be trusted. Repair its owner and permissions, or choose another folder with CODEX_CACHE_DIR.`,
      );
    }
  }
  return layout;
}

// One command, so that no folder is ever open to others, not even for a moment between its creation and a change of its mode.
const createScript = 'umask 022 && mkdir -p "$@"';

/**
 * Creates what is missing of the cache's folders.
 *
 * @throws {BinaryCacheError} `cache-unwritable`, `cache-untrusted`, `no-space`, `install-failed`.
 */
export async function createLayout(host: Host, directory: HostPath): Promise<CacheLayout> {
  const doing = `Creating the cache in ${directory}`;
  const { root, entries, trees, incoming, used } = layoutAt(formatDirectory(directory));
  try {
    const argv = ['sh', '-c', createScript, 'sh', root, entries, trees, incoming, used] as const;
    const result = await run(host, { argv, env: { LC_ALL: 'C' } });
    requireSuccess(result, doing);
  } catch (error) {
    throw hostFailure(error, doing);
  }
  const layout = await findLayout(host, directory);
  if (layout !== undefined) return layout;
  throw new BinaryCacheError('install-failed', `The cache in ${directory} disappeared while it was created.`);
}

function layoutAt(root: HostPath): CacheLayout {
  return {
    root,
    entries: joinHostPath(root, 'entries'),
    trees: joinHostPath(root, 'trees'),
    incoming: joinHostPath(root, 'incoming'),
    used: joinHostPath(root, 'used'),
  };
}

/**
 * The name under which a binary is found: what is asked for and why it is trusted. A tree that was merely vouched for
 * is never taken for one with the pinned digest, and another digest is another entry.
 */
export function entryName(
  release: Release,
  artifact: Artifact,
  host: Pick<Host, 'platform'>,
  evidence: Evidence,
): string {
  const trust = evidence.kind === 'digest' ? integrityHex(artifact.integrity).slice(0, 32) : evidence.tag;
  return `${release.name}-${release.version}-${platformName(host.platform)}-${trust}`;
}

/** A name for a new tree that nobody else has. */
export function newTreeName(release: Release, host: Pick<Host, 'platform'>): string {
  return `${release.name}-${release.version}-${platformName(host.platform)}.${randomBytes(8).toString('hex')}`;
}

/** A name for something that is on its way out. */
export function newDiscardName(): string {
  return `discarded.${randomBytes(8).toString('hex')}`;
}

/** Whether this package made a thing of that name: all else is left alone. */
export function isTreeName(name: string): boolean {
  return /^[a-z0-9][0-9A-Za-z.+-]*\.[0-9a-f]{16}$/.test(name);
}

export function linkTarget(treeName: string): string {
  return `../trees/${treeName}`;
}

/** The tree that an entry's link leads to, or `undefined` when this package cannot have made the link. */
export function treeNameOf(target: string): string | undefined {
  const name = target.startsWith('../trees/') ? target.slice('../trees/'.length) : '';
  return isTreeName(name) ? name : undefined;
}
