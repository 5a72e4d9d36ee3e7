import { type Host, type HostPath, joinHostPath } from '@seedbed/host';
import { type ArchivedFile, requireWhole } from './archive-inspection.ts';
import { checkListing } from './archive-listing.ts';
import { BinaryCacheError } from './binary-cache-error.ts';
import type { BinarySource, HostTreePayload, SourceRequest } from './binary-source.ts';
import { type CacheLayout, newTreeName } from './cache-layout.ts';
import { checkProgram } from './functional-check.ts';
import { digestsOnHost } from './host-digests.ts';
import { hostFailure } from './host-failure.ts';
import { platformName } from './release.ts';
import { filesOf, writeManifest } from './tree-lookup.ts';
import type { TreeManifest } from './tree-manifest.ts';
import { copyOnHost, unpackOnHost } from './tree-transfer.ts';
import { type WalkedTree, walkTree } from './tree-walk.ts';
import { isTrusted } from './trusted-owner.ts';

/** An archive that has arrived on the host, and has the right digest there. */
export interface ArrivedArchive {
  readonly kind: 'arrived';
  readonly path: HostPath;
  readonly compression: 'gzip' | 'none';
  /** What was found in it before it was sent; absent when the host fetched it. */
  readonly files?: readonly ArchivedFile[];
}

export interface InstalledTree {
  readonly name: string;
  readonly tree: HostPath;
  readonly manifest: TreeManifest;
}

/**
 * Puts a complete, verified tree into the cache, under a name of its own: nobody finds it before an entry is linked to it.
 * It is built in the request's scratch folder. Killed at any point it leaves that, or a tree without an entry, which a sweep removes.
 */
export async function installTree(
  layout: CacheLayout,
  source: BinarySource,
  payload: ArrivedArchive | HostTreePayload,
  request: SourceRequest,
): Promise<InstalledTree> {
  const { host, release, artifact, limits, signal, report } = request;
  const name = newTreeName(release, host);
  const draft = joinHostPath(request.scratch, name);
  const files = filesOf(draft);
  try {
    await host.makeDirectory(draft, { mode: 0o755 });
    await host.makeDirectory(files, { mode: 0o755 });
    report({ phase: 'unpack', bytes: 0 });
    if (payload.kind === 'arrived') {
      if (payload.files === undefined) await checkListing(host, payload, request);
      await unpackOnHost(host, payload, files, signal);
    } else {
      await copyOnHost(host, payload.path, { folder: files, path: artifact.tree }, signal);
    }
    const walked = await walkTree(host, files, limits);
    report({ phase: 'verify', bytes: 0, totalBytes: walked.bytes });
    const found = installedFiles(host, walked, await digestsOnHost(host, files, signal));
    if (payload.kind === 'arrived' && payload.files !== undefined) requireSame(payload.files, found);
    requireWhole(found, artifact);
    const home = joinHostPath(request.scratch, 'home');
    await host.makeDirectory(home, { mode: 0o700 });
    await checkProgram(host, release, joinHostPath(files, artifact.executable), { home, signal });
    report({ phase: 'verify', bytes: walked.bytes, totalBytes: walked.bytes });
    const manifest = describeTree(source, request, walked, found);
    await writeManifest(host, draft, manifest);
    const tree = joinHostPath(layout.trees, name);
    await host.rename(draft, tree);
    return { name, tree, manifest };
  } catch (error) {
    throw hostFailure(error, `Installing ${release.name} ${release.version}`, signal);
  }
}

function installedFiles(
  host: Host,
  walked: WalkedTree,
  digests: ReadonlyMap<string, string>,
): ArchivedFile[] {
  const files: ArchivedFile[] = [];
  for (const [path, found] of walked.files) {
    const sha256 = digests.get(path);
    if (sha256 === undefined || !isTrusted(found, host)) {
      throw new BinaryCacheError(
        'install-failed',
        `${path} changed, or belongs to somebody else, while it was installed.`,
      );
    }
    files.push({ path, size: found.size, executable: (found.mode & 0o100) !== 0, sha256 });
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** What the host's tar wrote must be what was read from the archive here: to the byte, no file more, no file less. */
function requireSame(expected: readonly ArchivedFile[], found: readonly ArchivedFile[]): void {
  const differs =
    expected.length !== found.length || expected.some((file, at) => !isSameFile(file, found[at]));
  if (!differs) return;
  throw new BinaryCacheError(
    'install-failed',
    'What the host unpacked is not what was sent to it. Its disk, its tar or the connection is at fault.',
  );
}

function isSameFile(a: ArchivedFile, b: ArchivedFile | undefined): boolean {
  return a.path === b?.path && a.size === b.size && a.executable === b.executable && a.sha256 === b.sha256;
}

function describeTree(
  source: BinarySource,
  { host, release, artifact }: SourceRequest,
  walked: WalkedTree,
  files: readonly ArchivedFile[],
): TreeManifest {
  const factsOf = (path: string): { mode: number; modifiedMs: number; identity: string } => {
    const {
      mode = 0,
      modifiedMs = 0,
      identity = '',
    } = walked.files.get(path) ?? walked.directories.get(path) ?? {};
    return { mode, modifiedMs, identity };
  };
  return {
    format: 1,
    name: release.name,
    version: release.version,
    platform: platformName(host.platform),
    origin: source.origin,
    evidence:
      source.evidence.kind === 'digest' ? { kind: 'digest', integrity: artifact.integrity } : source.evidence,
    executable: artifact.executable,
    bytes: walked.bytes,
    files: files.map(({ path, size, sha256 }) => ({ path, size, sha256, ...factsOf(path) })),
    directories: [...walked.directories.keys()].sort().map((path) => ({ path, ...factsOf(path) })),
  };
}
