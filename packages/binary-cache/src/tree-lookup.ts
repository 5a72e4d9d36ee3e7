import { type Host, HostError, type HostPath, joinHostPath } from '@seedbed/host';
import type { Evidence } from './binary-source.ts';
import { type CacheLayout, entryName, treeNameOf } from './cache-layout.ts';
import type { CacheFiles } from './cache-survey.ts';
import { type Artifact, platformName, type Release } from './release.ts';
import { type CheckDepth, checkTree } from './tree-check.ts';
import {
  filesName,
  manifestMaxBytes,
  manifestName,
  parseTreeManifest,
  type TreeManifest,
} from './tree-manifest.ts';
import { isTrusted } from './trusted-owner.ts';

export interface Wanted {
  readonly release: Release;
  readonly artifact: Artifact;
  readonly evidence: Evidence;
}

export type Lookup =
  | { readonly kind: 'absent' }
  | { readonly kind: 'damaged'; readonly reason: string; readonly target: string | undefined }
  | {
      readonly kind: 'intact';
      readonly name: string;
      readonly tree: HostPath;
      readonly manifest: TreeManifest;
    };

export interface LookOptions {
  readonly depth: CheckDepth;
  readonly signal: AbortSignal;
  /** Who is asked about files; the host unless given. */
  readonly files?: CacheFiles;
}

/** Looks for a binary in the cache and checks it. Changes nothing, except that a manifest learns of a tree that was restored elsewhere. */
export async function lookUp(
  host: Host,
  layout: CacheLayout,
  wanted: Wanted,
  options: LookOptions,
): Promise<Lookup> {
  const { files = host } = options;
  const entry = joinHostPath(
    layout.entries,
    entryName(wanted.release, wanted.artifact, host, wanted.evidence),
  );
  let target: string;
  try {
    target = await files.readLink(entry);
  } catch (error) {
    if (error instanceof HostError && error.code === 'not-found') return { kind: 'absent' };
    if ((await files.stat(entry)) === undefined) return { kind: 'absent' };
    return { kind: 'damaged', reason: 'the entry is not a link', target: undefined };
  }
  const damaged = (reason: string): Lookup => ({ kind: 'damaged', reason, target });
  const name = treeNameOf(target);
  if (name === undefined) return damaged('the entry leads elsewhere');
  const tree = joinHostPath(layout.trees, name);
  const [top, manifest] = await Promise.all([files.stat(tree), readManifest(files, tree)]);
  if (top?.kind !== 'directory' || !isTrusted(top, host))
    return damaged('its folder is missing or can be written by others');
  if (manifest === undefined) return damaged('its manifest is missing, damaged or can be written by others');
  if (!describes(manifest, wanted, host)) return damaged('its manifest belongs to another binary');
  const verdict = await checkTree(host, tree, manifest, options);
  if (verdict.kind === 'damaged') return damaged(verdict.reason);
  if (verdict.kind === 'moved') {
    // In a cache that can only be read, every look pays for the digests; nothing is wrong with that.
    await writeManifest(host, tree, verdict.manifest).catch(() => undefined);
  }
  return { kind: 'intact', name, tree, manifest };
}

export async function readManifest(files: CacheFiles, tree: HostPath): Promise<TreeManifest | undefined> {
  const path = joinHostPath(tree, manifestName);
  try {
    // Looked at before it is opened: opening a pipe that somebody left there would never end.
    const found = await files.stat(path);
    if (found?.kind !== 'file' || found.size > manifestMaxBytes || !isTrusted(found, files)) return undefined;
    return parseTreeManifest(await readBounded(files, path));
  } catch (error) {
    if (error instanceof HostError && error.code !== 'host-lost' && error.code !== 'aborted')
      return undefined;
    throw error;
  }
}

async function readBounded(files: CacheFiles, path: HostPath): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of await files.readFile(path, { length: manifestMaxBytes })) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

export async function writeManifest(host: Host, tree: HostPath, manifest: TreeManifest): Promise<void> {
  await host.writeFile(joinHostPath(tree, manifestName), JSON.stringify(manifest), { mode: 0o644 });
}

function describes(manifest: TreeManifest, { release, artifact, evidence }: Wanted, host: Host): boolean {
  const files = new Set(manifest.files.filter((file) => (file.mode & 0o100) !== 0).map((file) => file.path));
  return (
    manifest.name === release.name &&
    manifest.version === release.version &&
    manifest.platform === platformName(host.platform) &&
    manifest.executable === artifact.executable &&
    [artifact.executable, ...artifact.companions].every((path) => files.has(path)) &&
    (evidence.kind === 'digest'
      ? manifest.evidence.kind === 'digest' && manifest.evidence.integrity === artifact.integrity
      : manifest.evidence.kind === 'functional' && manifest.evidence.tag === evidence.tag)
  );
}

/** Where the files of a tree are. */
export function filesOf(tree: HostPath): HostPath {
  return joinHostPath(tree, filesName);
}
