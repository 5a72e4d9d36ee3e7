import {
  type FileStat,
  type Host,
  HostError,
  type HostPath,
  hostPath,
  joinHostPath,
  readText,
} from '@seedbed/host';
import type { Listing } from '../save/listing.ts';

const LOOKS_AT_ONCE = 100;

/**
 * What is mounted in a folder would go aside with it, and be emptied there: also a folder of the same file system that is mounted once more. A folder that is
 * itself the root of a mount cannot go aside. Asked before the folder is listed: below `/` that takes minutes.
 * @returns whether the host tells what is mounted. Where it does not, see {@link refuseOtherDevices}.
 * @throws {HostError} `busy` where something is mounted at it or below it.
 */
export async function refuseMounts(host: Host, folder: HostPath): Promise<boolean> {
  const mounted = await mountPointsIn(host, folder);
  if (mounted?.[0] !== undefined) throw busy(folder, mounted[0]);
  return mounted !== undefined;
}

/**
 * The same by what there is in the folder: what is mounted there is mostly of another device.
 * @throws {HostError} `busy`
 */
export async function refuseOtherDevices(
  host: Host,
  folder: HostPath,
  {
    stat,
    listing,
    tellsMounts,
  }: { readonly stat: FileStat; readonly listing: Listing; readonly tellsMounts: boolean },
): Promise<void> {
  const device = deviceOf(stat);
  const look = (path: string, found: FileStat | undefined): void => {
    if (found?.kind === 'directory' && deviceOf(found) !== device) throw busy(folder, path);
  };
  for (const { path, stat: found } of listing.entries) look(path, found);
  if (tellsMounts) return;
  const unlisted = listing.leftOut.filter(({ reason }) => reason === 'excluded' || reason === 'unreadable');
  for (let at = 0; at < unlisted.length; at += LOOKS_AT_ONCE) {
    const batch = unlisted.slice(at, at + LOOKS_AT_ONCE);
    await Promise.all(batch.map(async ({ path }) => look(path, await host.stat(joinHostPath(folder, path)))));
  }
}

function busy(folder: HostPath, path: string): HostError {
  const story =
    path === ''
      ? 'it is the root of a mount, and cannot be put aside in one step. Restore to a folder in it.'
      : `something is mounted there at ${JSON.stringify(path)}, which would be emptied. Unmount it, or restore to another folder.`;
  return new HostError('busy', `Nothing was restored to ${folder}: ${story}`);
}

function deviceOf({ identity }: FileStat): string {
  return identity.slice(0, identity.indexOf(':'));
}

const MOUNT_TABLE = hostPath('/proc/self/mountinfo');
/** Bytes that are no text come as this one character. */
const UNREADABLE = '\ufffd';

/** As Linux tells them, from the folder, itself first; `undefined` on a host that does not. */
async function mountPointsIn(host: Host, folder: HostPath): Promise<readonly string[] | undefined> {
  let table: string;
  try {
    table = await readText(host, MOUNT_TABLE);
  } catch (failure) {
    if (failure instanceof HostError && failure.code !== 'host-lost') return undefined;
    throw failure;
  }
  const root = (await host.canonicalize(folder)).replaceAll(/[\udc80-\udcff]/g, UNREADABLE);
  const below = root === '/' ? root : `${root}/`;
  return table
    .split('\n')
    .map((line) => unescaped(line.split(' ')[4] ?? ''))
    .filter((place) => place === root || place.startsWith(below))
    .map((place) => place.slice(below.length))
    .sort();
}

/** Spaces, tabs, line breaks and backslashes are in it as three octal digits each. */
function unescaped(field: string): string {
  return field.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
