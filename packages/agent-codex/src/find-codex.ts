import {
  type BinaryCache,
  type BinaryProgress,
  createBinaryCache,
  type Release,
} from '@seedbed/binary-cache';
import { npmRegistrySource } from '@seedbed/binary-cache/npm-registry';
import { type Host, type HostPath, hostPath, parentHostPath } from '@seedbed/host';
import { createLinkFollower } from '@seedbed/sandbox-policy';

/** Which Codex runs: one from a cache, by the version of the task; or the program at a path, which must be that version. */
export type CodexBinary = { readonly cache: BinaryCache } | { readonly path: string };

export interface FoundCodex {
  readonly path: HostPath;
  /** The folder of the binary and all that belongs to it, canonical. */
  readonly root: HostPath;
  readonly version: string;
}

export interface FindOptions {
  /** A cache in the default place, filled from the npm registry, by default. */
  readonly binary: CodexBinary | undefined;
  readonly onProgress: ((progress: BinaryProgress) => void) | undefined;
  readonly signal: AbortSignal;
}

/** @throws {BinaryCacheError} when it cannot be had. A program that is named by its path is not looked at before it is started. */
export async function findCodex(
  host: Host,
  release: Release,
  { binary, onProgress, signal }: FindOptions,
): Promise<FoundCodex> {
  if (binary !== undefined && 'path' in binary) {
    // bin/codex, in the tree that holds bwrap.
    const path = hostPath(binary.path);
    const root = await createLinkFollower(host)(parentHostPath(parentHostPath(path)));
    return { path, root, version: release.version };
  }
  const cache = binary?.cache ?? createBinaryCache({ sources: [npmRegistrySource()] });
  return await cache.ensure(host, release, { ...(onProgress === undefined ? {} : { onProgress }), signal });
}
