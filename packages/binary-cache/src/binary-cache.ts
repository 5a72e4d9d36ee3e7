import type { Host, HostPath } from '@seedbed/host';
import type { Delivery } from './archive-delivery.ts';
import type { BinaryProgress, BinarySource } from './binary-source.ts';
import { cacheDirectory } from './cache-layout.ts';
import { type CacheLimits, defaultCacheLimits } from './cache-limits.ts';
import { type CachedBinary, ensureBinary } from './ensure-binary.ts';
import { type EvictionOptions, type EvictionReport, evictTrees, removeRelease } from './eviction.ts';
import { artifactFor, type Release } from './release.ts';
import { createSingleFlight, type SingleFlight } from './single-flight.ts';
import type { CheckDepth } from './tree-check.ts';
import { type ListedTree, listTrees } from './tree-list.ts';

export interface BinaryCacheOptions {
  /** Where binaries come from when the cache has none, in the order in which they are tried. Without any, only what is there is found. */
  readonly sources: readonly BinarySource[];
  /**
   * The cache's folder on every host. Unless given: the host's `CODEX_CACHE_DIR`, else `seedbed/bin` in its `XDG_CACHE_HOME` or `~/.cache`.
   */
  readonly directory?: HostPath;
  readonly limits?: Partial<CacheLimits>;
  /**
   * How closely a binary that is there is looked at. `facts` (unless given) compares size, mode, owner, time and identity of every file;
   * `digests` reads every byte as well: about a second for Codex.
   */
  readonly check?: CheckDepth;
  /** How archives get onto hosts; `push` unless given, which needs nothing but the link to the host. */
  readonly delivery?: Delivery;
}

export interface EnsureOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: BinaryProgress) => void;
}

export interface CacheCallOptions {
  readonly signal?: AbortSignal;
}

/** Pinned, verified binaries on hosts, shared by all tasks there. Any number of programs on any number of machines may use one folder. */
export interface BinaryCache {
  /**
   * Gives a checked binary, installing it when it is missing and replacing it when it is damaged.
   *
   * @throws {BinaryCacheError} with any code but `unsupported-version`.
   */
  ensure(host: Host, release: Release, options?: EnsureOptions): Promise<CachedBinary>;
  /** Every tree that this package put there, with what is known of its use. */
  list(host: Host, options?: CacheCallOptions): Promise<readonly ListedTree[]>;
  /** Removes trees by age and size, the longest unused first; never one from which something runs, or that was just handed out. */
  evict(host: Host, options: EvictionOptions): Promise<EvictionReport>;
  /** Removes what is there of one release, except what is in use. */
  remove(host: Host, release: Release, options?: CacheCallOptions): Promise<EvictionReport>;
}

export function createBinaryCache(options: BinaryCacheOptions): BinaryCache {
  const limits = { ...defaultCacheLimits, ...options.limits };
  const { sources, check = 'facts', delivery = 'push' } = options;
  const settings = { sources, limits, check, delivery };
  // Tasks that start together on one host share one install.
  const flights = new WeakMap<Host, SingleFlight<CachedBinary>>();
  return {
    ensure: async (host, release, { signal, onProgress } = {}) => {
      const artifact = artifactFor(release, host.platform);
      const directory = cacheDirectory(host, options.directory);
      const flight = flights.get(host) ?? createSingleFlight<CachedBinary>();
      flights.set(host, flight);
      return flight.run(
        `${release.name} ${release.version} ${artifact.integrity}`,
        (shared, report) =>
          ensureBinary({ ...settings, host, release, artifact, directory, signal: shared, report }),
        { signal, report: onProgress },
      );
    },
    list: (host, { signal } = {}) => listTrees(host, cacheDirectory(host, options.directory), signal),
    evict: (host, eviction) => evictTrees(host, cacheDirectory(host, options.directory), eviction),
    remove: (host, release, { signal } = {}) =>
      removeRelease(host, cacheDirectory(host, options.directory), release, signal),
  };
}
