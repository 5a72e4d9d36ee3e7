/** What a cache takes at the most. */
export interface CacheLimits {
  /** Bytes of an archive as it is fetched. */
  readonly maxArchiveBytes: number;
  /** Bytes of all files of a tree. */
  readonly maxTreeBytes: number;
  /** Files and folders of a tree. */
  readonly maxEntries: number;
}

/** Codex 0.169.0 has 167 MB packed, 423 MB and some 60 entries unpacked. */
export const defaultCacheLimits: CacheLimits = {
  maxArchiveBytes: 1_000_000_000,
  maxTreeBytes: 3_000_000_000,
  maxEntries: 10_000,
};
