import { type FileStat, type Host, type HostPath, joinHostPath } from '@seedbed/host';
import { BinaryCacheError } from './binary-cache-error.ts';
import type { CacheFiles } from './cache-survey.ts';
import { digestsOnHost } from './host-digests.ts';
import { filesName, type NodeFacts, type TreeManifest } from './tree-manifest.ts';
import { statAll, walkTree } from './tree-walk.ts';
import { isTrusted } from './trusted-owner.ts';

/** `facts`: size, mode, owner, time and identity of everything. `digests`: also every byte. */
export type CheckDepth = 'facts' | 'digests';

export type TreeVerdict =
  | { readonly kind: 'intact' }
  /** The bytes are right, but the tree was copied or restored since. `manifest` is true of it as it is now. */
  | { readonly kind: 'moved'; readonly manifest: TreeManifest }
  | { readonly kind: 'damaged'; readonly reason: string };

/** Compares a tree on the host with its manifest. */
export async function checkTree(
  host: Host,
  tree: HostPath,
  manifest: TreeManifest,
  options: { readonly depth: CheckDepth; readonly signal: AbortSignal; readonly files?: CacheFiles },
): Promise<TreeVerdict> {
  const { files = host } = options;
  const root = joinHostPath(tree, filesName);
  const paths = [...manifest.directories, ...manifest.files].map((known) => known.path);
  const [top, found] = await Promise.all([files.stat(root), statAll(files, root, paths)]);
  if (top?.kind !== 'directory' || !isTrusted(top, host)) {
    return { kind: 'damaged', reason: 'its folder is missing or can be written by others' };
  }
  const reason = firstDifference(host, manifest, found);
  if (reason !== undefined) return { kind: 'damaged', reason };
  const moved = [...manifest.directories, ...manifest.files].some(
    (known) => !isSamePlace(known, found.get(known.path)),
  );
  if (!moved && options.depth === 'facts') return { kind: 'intact' };
  if (await hasMore(host, root, manifest)) return { kind: 'damaged', reason: 'something was added' };
  const digests = await digestsOnHost(host, root, options.signal);
  for (const file of manifest.files) {
    if (digests.get(file.path) !== file.sha256)
      return { kind: 'damaged', reason: `${file.path} has other bytes` };
  }
  return moved ? { kind: 'moved', manifest: withFacts(manifest, found) } : { kind: 'intact' };
}

/** Whether there is anything that the manifest does not know. */
async function hasMore(host: Host, root: HostPath, manifest: TreeManifest): Promise<boolean> {
  const maxEntries = manifest.files.length + manifest.directories.length;
  try {
    const walked = await walkTree(host, root, { maxEntries, maxTreeBytes: manifest.bytes });
    return (
      walked.files.size !== manifest.files.length || walked.directories.size !== manifest.directories.length
    );
  } catch (error) {
    if (error instanceof BinaryCacheError) return true;
    throw error;
  }
}

/** What cannot be explained by copying or restoring. */
function firstDifference(
  host: Host,
  manifest: TreeManifest,
  found: ReadonlyMap<string, FileStat | undefined>,
): string | undefined {
  for (const known of manifest.directories) {
    const now = found.get(known.path);
    if (now?.kind !== 'directory') return `${known.path} is not a folder`;
    if (now.mode !== known.mode || !isTrusted(now, host)) return `${known.path} has another owner or mode`;
  }
  for (const known of manifest.files) {
    const now = found.get(known.path);
    if (now?.kind !== 'file') return `${known.path} is missing or not a plain file`;
    if (now.size !== known.size) return `${known.path} has ${now.size} bytes instead of ${known.size}`;
    if (now.mode !== known.mode || !isTrusted(now, host)) return `${known.path} has another owner or mode`;
  }
  return undefined;
}

function isSamePlace(known: NodeFacts, now: FileStat | undefined): boolean {
  return now !== undefined && now.identity === known.identity && isSameTime(now.modifiedMs, known.modifiedMs);
}

/** Some ways to look at a host give whole seconds only. */
function isSameTime(a: number, b: number): boolean {
  if (Math.floor(a) === Math.floor(b)) return true;
  return (a % 1000 === 0 || b % 1000 === 0) && Math.floor(a / 1000) === Math.floor(b / 1000);
}

function withFacts(manifest: TreeManifest, found: ReadonlyMap<string, FileStat | undefined>): TreeManifest {
  const refresh = <T extends NodeFacts>(known: T): T => {
    const now = found.get(known.path);
    return now === undefined ? known : { ...known, modifiedMs: now.modifiedMs, identity: now.identity };
  };
  return { ...manifest, files: manifest.files.map(refresh), directories: manifest.directories.map(refresh) };
}
