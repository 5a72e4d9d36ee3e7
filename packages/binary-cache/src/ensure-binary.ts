import { randomBytes } from 'node:crypto';
import { type HostPath, joinHostPath } from '@seedbed/host';
import { type DeliveredBinary, type Delivery, deliver, type InspectedArchive } from './archive-delivery.ts';
import { BinaryCacheError } from './binary-cache-error.ts';
import type { BinaryProgress, BinarySource, Evidence, SourceRequest } from './binary-source.ts';
import { throughBrokenLinks } from './broken-link.ts';
import {
  type CacheLayout,
  createLayout,
  entryName,
  findLayout,
  formatDirectory,
  newTreeName,
} from './cache-layout.ts';
import { surveyCache } from './cache-survey.ts';
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
  /** How its archive came to the host just now; absent when it was there. */
  readonly delivery?: 'push' | 'fetch';
  /** With `delivery: 'auto'`: why it was sent from here, and not fetched by the host. */
  readonly fetchFailure?: string;
  /** Why what was in the cache could not be used, when this replaces it. */
  readonly replaced?: string;
}

export interface EnsureRequest extends Omit<SourceRequest, 'scratch'> {
  readonly directory: HostPath;
  readonly sources: readonly BinarySource[];
  readonly check: CheckDepth;
  readonly delivery: Delivery;
}

/** What stays from one attempt to the next, when the link to the host breaks in between. */
interface Attempts extends EnsureRequest {
  readonly holder: string;
  readonly inspected: Map<BinarySource, InspectedArchive>;
}

export async function ensureBinary(request: EnsureRequest): Promise<CachedBinary> {
  const { host, signal, release } = request;
  const doing = `Getting ${release.name} ${release.version}`;
  const kept = { holder: randomBytes(8).toString('hex'), inspected: new Map() };
  let furthest = 0;
  try {
    return await throughBrokenLinks(host, signal, async (advance) => {
      const report = (progress: BinaryProgress): void => {
        if ((progress.phase === 'push' || progress.phase === 'fetch') && progress.bytes > furthest) {
          furthest = progress.bytes;
          advance();
        }
        request.report(progress);
      };
      try {
        return await findOrInstall({ ...request, ...kept, report });
      } catch (error) {
        throw hostFailure(error, doing, signal);
      }
    });
  } catch (error) {
    throw hostFailure(error, doing, signal);
  }
}

async function findOrInstall(request: Attempts): Promise<CachedBinary> {
  request.report({ phase: 'resolve', bytes: 0 });
  const { found, damage } = await findInstalled(request);
  throwIfAborted(request.signal);
  const binary = found ?? (await installFromSources(request, damage));
  request.report({ phase: 'ready', bytes: 0 });
  return binary;
}

async function findInstalled(request: EnsureRequest): Promise<{ found?: CachedBinary; damage?: string }> {
  const { host, directory, release, artifact, signal, check } = request;
  const accepted = acceptedEvidence(request.sources);
  const entries = accepted.map((evidence) => entryName(release, artifact, host, evidence));
  const survey = await surveyCache(host, formatDirectory(directory), { entries, signal });
  const files = survey?.files ?? host;
  const layout = await findLayout(files, directory);
  if (layout === undefined) return {};
  let damage: string | undefined;
  for (const evidence of accepted) {
    const looked = await lookUp(host, layout, { ...request, evidence }, { depth: check, signal, files });
    if (looked.kind === 'damaged') damage ??= looked.reason;
    if (looked.kind !== 'intact') continue;
    if (survey?.marked !== looked.name) {
      await markUsed(host, layout, looked.name);
      // An eviction may have decided just before the mark: then the tree is gone now, or will be put back.
      if ((await host.stat(joinHostPath(filesOf(looked.tree), artifact.executable))) === undefined) continue;
    }
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

async function installFromSources(request: Attempts, damage: string | undefined): Promise<CachedBinary> {
  const { host, directory, release, signal } = request;
  // Before anything is fetched: a folder that cannot be written would waste the download.
  const layout = await createLayout(host, directory);
  await using incoming = await openIncomingFolder(host, layout, newTreeName(release, host));
  const refusals: { source: BinarySource; error: BinaryCacheError }[] = [];
  for (const source of request.sources) {
    try {
      const binary = await installFrom(source, layout, { ...request, scratch: incoming.path });
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

async function installFrom(
  source: BinarySource,
  layout: CacheLayout,
  request: Attempts & SourceRequest,
): Promise<CachedBinary> {
  const { host, signal } = request;
  for (;;) {
    throwIfAborted(signal);
    await using delivered = await deliver(layout, source, request);
    if (delivered === undefined) {
      const { found } = await findInstalled(request);
      if (found !== undefined) return found;
      continue;
    }
    const { installed, published } = await install(layout, source, delivered, request);
    await delivered.finish();
    await sweep(host, layout).catch(() => undefined);
    if (published !== installed) return handOut(request, published, 'cache');
    const { way, fetchFailure } = delivered;
    return {
      ...handOut(request, published, source.origin),
      ...(way === undefined ? {} : { delivery: way }),
      ...(fetchFailure === undefined ? {} : { fetchFailure }),
    };
  }
}

async function install(
  layout: CacheLayout,
  source: BinarySource,
  delivered: DeliveredBinary,
  request: Attempts & SourceRequest,
): Promise<{ readonly installed: InstalledTree; readonly published: InstalledTree }> {
  const { host, signal } = request;
  try {
    const installed = await installTree(layout, source, delivered.payload, request);
    const wanted = { ...request, evidence: source.evidence };
    const published = await publishTree(host, layout, wanted, { installed, signal });
    await markUsed(host, layout, published.name);
    return { installed, published };
  } catch (error) {
    // Nothing is wrong with what came then, and the next call need not bring it again.
    const isWhole = error instanceof BinaryCacheError && ['aborted', 'host-lost'].includes(error.code);
    if (!isWhole) await delivered.finish();
    throw error;
  }
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
