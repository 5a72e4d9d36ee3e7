import { createHash } from 'node:crypto';
import { type HostPath, hostPathName, joinHostPath, parentHostPath } from '@seedbed/host';

/** Where a folder is put together before it takes its place: beside it, as only there a rename is one step. */
export interface StagingPlace {
  readonly container: HostPath;
  /** What is to become the folder. */
  readonly tree: HostPath;
  /** What the folder was. */
  readonly aside: HostPath;
  /** Is there from when `tree` is whole and checked. */
  readonly ready: HostPath;
}

/** Names have 255 bytes at the most. */
const MAX_NAME_CHARACTERS = 60;

/** The same for every program, so that the next one finds what a killed one left. */
export function stagingPlace(folder: HostPath): StagingPlace {
  const name = hostPathName(folder);
  const isShort = name.length <= MAX_NAME_CHARACTERS;
  const own = isShort ? name : createHash('sha256').update(folder).digest('hex').slice(0, 32);
  const container = joinHostPath(parentHostPath(folder), `.seedbed-restore-${own}`);
  return {
    container,
    tree: joinHostPath(container, 'tree'),
    aside: joinHostPath(container, 'aside'),
    ready: joinHostPath(container, 'ready.json'),
  };
}
