import type { Host, HostPath } from '@seedbed/host';
import { createOptioSnapshots } from '@seedbed/snapshots/mongodb';
import type { Db } from 'mongodb';

/** Brings a task of optio-codex into a folder; gives the thread to resume, and the links that were left out. */
export async function bringBack(
  db: Db,
  host: Host,
  folder: HostPath,
): Promise<{ readonly threadId: string | undefined; readonly leftOut: readonly string[] }> {
  const old = createOptioSnapshots(db, { prefix: 'myapp' });
  return await old.restore(host, folder, { processId: 'task 7', outsideLinks: 'leave-out' });
}
