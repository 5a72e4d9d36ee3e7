import { type HostPath, joinHostPath } from '@seedbed/host';
import { BinaryCacheError } from './binary-cache-error.ts';
import type { BinarySource, Evidence, SourceRequest } from './binary-source.ts';
import { type CacheLayout, createLayout, findLayout, newTreeName } from './cache-layout.ts';
import { sweep } from './cache-sweep.ts';
import { hostFailure } from './host-failure.ts';
import { openIncomingFolder } from './incoming-folder.ts';
import { throwIfAborted } from './single-flight.ts';
import type { CheckDepth } from './tree-check.ts';
import { type InstalledTree, installTree } from './tree-install.ts';
import { filesOf, lookUp } from './tree-lookup.ts';
import { publishTree } from './tree-publication.ts';
import { markUsed } from './use-marker.ts';

export interface CachedBinary {
  /** The program, on the host. It stays valid until an eviction, also when the entry is replaced by another tree. */
  readonly path: HostPath;
  /** The folder that belongs together; a sandbox must be able to read and execute all of it. */
  readonly root: HostPath;
  readonly version: string;
  /** `cache`: it was there. Otherwise where it was installed from just now. */
  readonly origin: 'cache' | BinarySource['origin'];
  /** Why what was in the cache could not be used, when this replaces it. */
  readonly replaced?: string;
}

export interface EnsureRequest extends Omit<SourceRequest, 'scratch'> {
  readonly directory: HostPath;
  readonly sources: readonly BinarySource[];
  readonly check: CheckDepth;
}

export async function ensureBinary(request: EnsureRequest): Promise<CachedBinary> {
  const { host, directory, signal, report } = request;
  try {
    report({ phase: 'resolve', bytes: 0 });
    const { found, damage } = await findInstalled(request, await findLayout(host, directory));
    throwIfAborted(signal);
    const binary = found ?? (await installFromSources(request, damage));
    report({ phase: 'ready', bytes: 0 });
    return binary;
  } catch (error) {
    throw hostFailure(error, `Getting ${request.release.name} ${request.release.version}`, signal);
  }
}

async function findInstalled(
  request: EnsureRequest,
  layout: CacheLayout | undefined,
): Promise<{ found?: CachedBinary; damage?: string }> {
  if (layout === undefined) return {};
  const { host, signal, check } = request;
  let damage: string | undefined;
  for (const evidence of acceptedEvidence(request.sources)) {
    const looked = await lookUp(host, layout, { ...request, evidence }, { depth: check, signal });
    if (looked.kind === 'damaged') damage ??= looked.reason;
    if (looked.kind !== 'intact') continue;
    await markUsed(host, layout, looked.name);
    // An eviction may have decided just before the mark: then the tree is gone now, or will be put back.
    if ((await host.stat(joinHostPath(filesOf(looked.tree), request.artifact.executable))) === undefined)
      continue;
    return { found: handOut(request, looked, 'cache') };
  }
  return damage === undefined ? {} : { damage };
}

/** What has the pinned digest is always good enough; what was vouched for only while that source is among those asked. */
function acceptedEvidence(sources: readonly BinarySource[]): readonly Evidence[] {
  const functional = sources
    .map((source) => source.evidence)
    .filter((evidence) => evidence.kind === 'functional');
  return [{ kind: 'digest' }, ...functional];
}

/** When these end a source, the next one may have it. */
const nextMayHelp: ReadonlySet<string> = new Set(['source-refused', 'not-in-registry', 'download-failed']);

async function installFromSources(request: EnsureRequest, damage: string | undefined): Promise<CachedBinary> {
  const { host, directory, release, signal } = request;
  // Before anything is fetched: a folder that cannot be written would waste the download.
  const layout = await createLayout(host, directory);
  await using incoming = await openIncomingFolder(host, layout, newTreeName(release, host));
  const sourceRequest = { ...request, scratch: incoming.path };
  const refusals: { source: BinarySource; error: BinaryCacheError }[] = [];
  for (const source of request.sources) {
    try {
      const payload = await source.obtain(sourceRequest);
      const installed = await installTree(layout, source, payload, sourceRequest);
      const wanted = { ...request, evidence: source.evidence };
      const published = await publishTree(host, layout, wanted, { installed, signal });
      await markUsed(host, layout, published.name);
      await sweep(host, layout).catch(() => undefined);
      const binary = handOut(request, published, published === installed ? source.origin : 'cache');
      return damage === undefined ? binary : { ...binary, replaced: damage };
    } catch (error) {
      throwIfAborted(signal);
      if (!(error instanceof BinaryCacheError) || !nextMayHelp.has(error.code)) throw error;
      refusals.push({ source, error });
    }
  }
  const [only] = refusals;
  if (only !== undefined && refusals.length === 1) throw only.error;
  const reasons = refusals.map(({ source, error }) => `${source.name}: ${error.message}`).join(' ');
  const missing = damage === undefined ? 'is not in the cache' : `is in the cache but damaged (${damage})`;
  throw new BinaryCacheError(
    'no-source',
    `${release.name} ${release.version} ${missing}, and ${refusals.length === 0 ? 'no source is configured' : 'no source gives it'}. ${reasons}`.trim(),
    { cause: new AggregateError(refusals.map(({ error }) => error)) },
  );
}

function handOut(request: EnsureRequest, tree: InstalledTree, origin: CachedBinary['origin']): CachedBinary {
  const files = filesOf(tree.tree);
  return {
    path: joinHostPath(files, request.artifact.executable),
    root: joinHostPath(files, request.artifact.tree),
    version: request.release.version,
    origin,
  };
}
