import type { Host } from '@seedbed/host';
import { createLinkFollower } from '@seedbed/sandbox-policy';
import type { SeedLease, Seeds, SeedTarget } from '@seedbed/seeds';
import type { TokenLender } from '../app-server/server-requests/server-request.ts';
import { identityConfig } from '../login/identity-config.ts';
import type { RefreshLoginOptions } from '../login/refresh-codex-login.ts';
import { readConfigToml, writeConfigToml } from '../task-home/config-toml.ts';
import { makeTaskHome, refuseLinks } from '../task-home/prepare-task-home.ts';
import { type TaskPaths, taskPaths } from '../task-home/task-paths.ts';
import { type LentLogin, lendLogin } from './lent-login.ts';

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

/** The login of a session. Disposal is its last save; then the seed is free, and the login gone from the host. End Codex before. */
export interface SessionLogin extends AsyncDisposable {
  readonly lease: SeedLease;
  /**
   * Puts it into a task's home, which no link may lead elsewhere, and saves from then on what becomes of it. What login stands there already is settled by the seed: the newer of the two
   * wins by lineage. Of the captured config.toml only what belongs to the identity comes along.
   *
   * @throws {AgentCodexError} `launch-failed` for a link. @throws {SeedError} what `SeedLease.plant` throws.
   */
  plant(host: Host, options: { readonly paths: TaskPaths; readonly signal: AbortSignal }): Promise<void>;
  /** In place of {@link plant}: it stays here, and Codex is lent access tokens. */
  lend(refresh: Omit<RefreshLoginOptions, 'signal'>): TokenLender;
}

/** @throws {SeedError} what `Seeds.acquire` throws, or whatever the caller's function does. */
export async function leaseLogin(
  seed: SessionSeed,
  options: { readonly task: string; readonly signal: AbortSignal | undefined },
): Promise<SessionLogin> {
  const lease = await leaseSeed(seed, options);
  let remove: (() => Promise<void>) | undefined;
  let lent: LentLogin | undefined;
  return {
    lease,
    async plant(host, { paths, signal }) {
      await makeOwnHome(host, paths);
      remove = () => host.remove(paths.authJson);
      await lease.plant({ host, home: paths.home, rewrite: keepIdentity, signal });
      // Codex may rotate it as soon as it starts. Its end is the lease's.
      lease.watch();
    },
    lend(refresh) {
      lent ??= lendLogin(lease, refresh);
      return lent.tokens;
    },
    async [Symbol.asyncDispose]() {
      try {
        await lent?.[Symbol.asyncDispose]();
      } finally {
        await lease[Symbol.asyncDispose]();
      }
      // A failure keeps the file: it may be the only place where the token is.
      await remove?.();
    },
  };
}

async function leaseSeed(
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

async function makeOwnHome(host: Host, paths: TaskPaths): Promise<void> {
  const follow = createLinkFollower(host);
  const [workdir, home, codexHome] = await Promise.all([
    follow(paths.workdir),
    follow(paths.home),
    follow(paths.codexHome),
  ]);
  refuseLinks(taskPaths(workdir), { home, codexHome });
  await makeTaskHome(host, paths);
}

function keepIdentity(path: string, bytes: Uint8Array): Uint8Array {
  if (!path.endsWith('config.toml')) return bytes;
  const { config } = identityConfig(readConfigToml(new TextDecoder().decode(bytes)));
  return new TextEncoder().encode(writeConfigToml(config));
}
