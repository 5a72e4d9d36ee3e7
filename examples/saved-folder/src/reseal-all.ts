import type { Snapshots } from '@seedbed/snapshots';

/** Seals all that a store holds under the key that its keyring calls `current`. */
export async function resealAll(snapshots: Snapshots): Promise<void> {
  for await (const task of snapshots.tasks()) await snapshots.reseal(task);
}
