import { type Host, joinHostPath } from '@seedbed/host';
import type { CacheLayout } from './cache-layout.ts';

/** Notes on the host's clock that a tree was handed out. A cache that can only be read keeps no notes, and is evicted by its owner. */
export async function markUsed(host: Host, layout: CacheLayout, name: string): Promise<void> {
  await host.writeFile(joinHostPath(layout.used, name), '').catch(() => undefined);
}

/** When a tree was handed out last, on the host's clock; `undefined` when it never was. */
export async function lastUsedMs(host: Host, layout: CacheLayout, name: string): Promise<number | undefined> {
  return (await host.stat(joinHostPath(layout.used, name)))?.modifiedMs;
}
