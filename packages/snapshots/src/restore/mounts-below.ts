import { type FileStat, type Host, HostError, type HostPath, joinHostPath } from '@seedbed/host';
import type { Listing } from '../save/listing.ts';

const LOOKS_AT_ONCE = 100;

/**
 * What is mounted in a folder would go aside with it, and be emptied there.
 * @throws {HostError} `busy` where another file system begins below it.
 */
export async function refuseMountsBelow(
  host: Host,
  folder: HostPath,
  { stat, listing }: { readonly stat: FileStat; readonly listing: Listing },
): Promise<void> {
  const device = deviceOf(stat);
  const refuse = (path: string, found: FileStat | undefined): void => {
    if (found?.kind !== 'directory' || deviceOf(found) === device) return;
    throw new HostError(
      'busy',
      `Nothing was restored to ${folder}: something is mounted there at ${JSON.stringify(path)}, which would be emptied. Unmount it, or restore to another folder.`,
    );
  };
  for (const { path, stat: found } of listing.entries) refuse(path, found);
  const unlisted = listing.leftOut.filter(({ reason }) => reason === 'excluded' || reason === 'unreadable');
  for (let at = 0; at < unlisted.length; at += LOOKS_AT_ONCE) {
    const batch = unlisted.slice(at, at + LOOKS_AT_ONCE);
    await Promise.all(
      batch.map(async ({ path }) => refuse(path, await host.stat(joinHostPath(folder, path)))),
    );
  }
}

function deviceOf({ identity }: FileStat): string {
  return identity.slice(0, identity.indexOf(':'));
}
