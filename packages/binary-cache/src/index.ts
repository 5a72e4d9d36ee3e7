export type { Delivery } from './archive-delivery.ts';
export {
  type BinaryCache,
  type BinaryCacheOptions,
  type CacheCallOptions,
  createBinaryCache,
  type EnsureOptions,
} from './binary-cache.ts';
export { BinaryCacheError, type BinaryCacheErrorCode } from './binary-cache-error.ts';
export type {
  ArchiveAddress,
  ArchivePayload,
  BinaryProgress,
  BinarySource,
  Evidence,
  HostTreePayload,
  SourceRequest,
} from './binary-source.ts';
export { cacheEnvironmentNames } from './cache-layout.ts';
export type { CacheLimits } from './cache-limits.ts';
export {
  type CodexVersion,
  codexRelease,
  codexReleases,
  defaultCodexVersion,
  oldestCodexVersion,
} from './codex-releases.ts';
export type { CachedBinary } from './ensure-binary.ts';
export type { EvictionOptions, EvictionReport } from './eviction.ts';
export { type FileSourceOptions, fileSource } from './file-source.ts';
export { hostAdoption } from './host-adoption.ts';
export type { Integrity } from './integrity.ts';
export type { Artifact, PlatformName, Release } from './release.ts';
export type { CheckDepth } from './tree-check.ts';
export type { ListedTree } from './tree-list.ts';
