import type { Host } from '@seedbed/host';
import type { SeedLease, Seeds, SeedTarget } from '@seedbed/seeds';
import { identityConfig } from '../login/identity-config.ts';
import { readConfigToml, writeConfigToml } from '../task-home/config-toml.ts';
import type { TaskPaths } from '../task-home/task-paths.ts';

/** Finds the login for a task, however the caller keeps them; the lease is the session's to end. */
export type SeedProvider = (request: {
  readonly task: string;
  readonly signal?: AbortSignal;
}) => Promise<SeedLease>;

/** One of a store's logins, or of a pool. */
export interface SeedChoice {
  readonly from: Seeds;
  readonly use: SeedTarget;
  /** How long to wait for one to become free, in milliseconds. 0 by default. */
  readonly waitMs?: number;
}

export type SessionSeed = SeedProvider | SeedChoice;

export async function leaseSeed(
  seed: SessionSeed,
  { task, signal }: { readonly task: string; readonly signal: AbortSignal | undefined },
): Promise<SeedLease> {
  if (typeof seed === 'function') return await seed({ task, ...(signal && { signal }) });
  const { from, use, waitMs } = seed;
  return await from.acquire(use, task, {
    ...(waitMs === undefined ? {} : { waitMs }),
    ...(signal && { signal }),
  });
}

/**
 * Puts a login into a task's home. What stands in the home already is settled by the seed: the newer of the two wins by lineage. Of the captured
 * config.toml only what belongs to the identity comes along.
 */
export async function plantLogin(
  lease: SeedLease,
  host: Host,
  { paths, signal }: { readonly paths: TaskPaths; readonly signal: AbortSignal | undefined },
): Promise<void> {
  await lease.plant({
    host,
    home: paths.home,
    rewrite: (path, bytes) => {
      if (!path.endsWith('config.toml')) return bytes;
      const { config } = identityConfig(readConfigToml(new TextDecoder().decode(bytes)));
      return new TextEncoder().encode(writeConfigToml(config));
    },
    ...(signal && { signal }),
  });
}
