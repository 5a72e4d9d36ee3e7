import type { FileStat, Host, HostFiles } from '../host.ts';
import { type HostPath, joinHostPath } from '../host-path.ts';

/** As `unpackDirectory` and the writes of files name what is not finished yet. */
const STAGING_NAME = /^\.seedbed-[0-9a-f-]{16,36}\.tmp$/;
/** Nothing is unpacked for so long without an entry of the folder itself. */
export const ABANDONED_MS: number = 24 * 60 * 60 * 1_000;

/** The names of what a program that was killed may have left in a folder. Best effort: of a folder that cannot be listed there are none. */
export async function stagingIn(host: HostFiles, folder: HostPath): Promise<readonly string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of host.list(folder)) if (STAGING_NAME.test(name)) names.push(name);
  } catch {
    return [];
  }
  return names;
}

export interface RemoveAbandonedOptions {
  readonly names: readonly string[];
  /** What was created just now: so the host's own clock says what is old. */
  readonly fresh: HostPath;
  /** How long the kernel must have seen no change of them. */
  readonly unchangedMs: number;
}

/** Removes those that this user has left for so long. What cannot be removed stays. */
export async function removeAbandoned(
  host: HostFiles | Host,
  folder: HostPath,
  { names, fresh, unchangedMs }: RemoveAbandonedOptions,
): Promise<void> {
  if (names.length === 0) return;
  const now = await host.stat(fresh);
  const isAbandoned = (stat: FileStat): boolean =>
    now !== undefined && stat.uid === now.uid && now.changedMs - stat.changedMs > unchangedMs;
  await Promise.allSettled(
    names.map(async (name) => {
      const path = joinHostPath(folder, name);
      const stat = await host.stat(path);
      if (stat !== undefined && isAbandoned(stat)) await host.remove(path, { recursive: true });
    }),
  );
}
