import { type Host, type HostPath, joinHostPath } from '@seedbed/host';
import { type CacheLayout, isTreeName } from './cache-layout.ts';
import { hostFailure } from './host-failure.ts';
import { isLandingName } from './landing.ts';

/** A folder in which one install happens. It says that it is alive until it is disposed of; then it is removed. */
export interface IncomingFolder extends AsyncDisposable {
  readonly path: HostPath;
}

const heartbeatName = 'alive';
const heartbeatMs = 20_000;
/** An install that gave no sign of life for so long is dead, or cut off from the host. */
const abandonedMs = 15 * 60_000;
/** A part of an archive that was not continued for so long is not worth its place. */
const forgottenMs = 24 * 60 * 60_000;

export async function openIncomingFolder(
  host: Host,
  layout: CacheLayout,
  name: string,
): Promise<IncomingFolder> {
  const path = joinHostPath(layout.incoming, name);
  const beat = (): Promise<void> => host.writeFile(joinHostPath(path, heartbeatName), '');
  try {
    await host.makeDirectory(path, { mode: 0o700 });
    await beat();
  } catch (error) {
    await host.remove(path, { recursive: true }).catch(() => undefined);
    throw hostFailure(await plainerFailure(host, layout, name, error), `Creating ${path}`);
  }
  let beating: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    beating = beating.then(beat).catch(() => undefined);
  }, heartbeatMs);
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await beating;
      // What cannot be removed now, a later sweep removes.
      await host.remove(path, { recursive: true }).catch(() => undefined);
    },
  };
}

/** Node says ENOENT for a folder on a read-only disk; writing a file there tells the truth. */
async function plainerFailure(
  host: Host,
  layout: CacheLayout,
  name: string,
  error: unknown,
): Promise<unknown> {
  const probe = joinHostPath(layout.incoming, name);
  try {
    await host.writeFile(probe, '');
    await host.remove(probe);
    return error;
  } catch (plainer) {
    return plainer;
  }
}

/** Removes what installs left that were killed. A live one is never touched. `nowMs` is the host's time. */
export async function sweepIncoming(host: Host, layout: CacheLayout, nowMs: number): Promise<void> {
  for await (const { name } of host.list(layout.incoming)) {
    const path = joinHostPath(layout.incoming, name);
    if (isLandingName(name)) {
      const left = await host.stat(path);
      if (left !== undefined && nowMs - left.modifiedMs > forgottenMs)
        await host.remove(path, { recursive: true });
    }
    if (!isTreeName(name)) continue;
    const found = (await host.stat(joinHostPath(path, heartbeatName))) ?? (await host.stat(path));
    if (found !== undefined && nowMs - found.modifiedMs > abandonedMs)
      await host.remove(path, { recursive: true });
  }
}

/** The host's own time: clocks of two machines differ. */
export async function hostTime(host: Host, incoming: IncomingFolder): Promise<number> {
  const path = joinHostPath(incoming.path, heartbeatName);
  await host.writeFile(path, '');
  const found = await host.stat(path);
  if (found === undefined)
    throw hostFailure(new Error('a file disappeared'), `Asking ${host.label} for its time`);
  return found.modifiedMs;
}
