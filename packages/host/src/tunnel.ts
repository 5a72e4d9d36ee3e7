import type { HostConnection, HostListener } from './host.ts';

/** Those that come while so many are open wait for one to end. */
const MAX_CONNECTIONS = 1_024;

/**
 * Leads each connection that a listener takes to one that `connect` opens. Where that one cannot be had, the first is reset.
 * Its disposal ends the listener and everything that came through it.
 */
export function openTunnel(
  listener: HostListener,
  connect: (signal: AbortSignal) => Promise<HostConnection>,
): AsyncDisposable {
  // Why the listener has failed stands in its signal.
  const leading = leadConnections(listener, connect).catch(() => undefined);
  return {
    async [Symbol.asyncDispose]() {
      await listener[Symbol.asyncDispose]();
      await leading;
    },
  };
}

async function leadConnections(
  listener: HostListener,
  connect: (signal: AbortSignal) => Promise<HostConnection>,
): Promise<void> {
  const open = new Set<Promise<void>>();
  try {
    for await (const connection of listener.connections) {
      const one = lead(connection, () => connect(listener.signal)).finally(() => open.delete(one));
      open.add(one);
      if (open.size >= MAX_CONNECTIONS) await Promise.race(open);
    }
  } finally {
    await Promise.all(open);
  }
}

/** An end passes on as a half-close, a break of either as a reset of the other: else a part would be taken for the whole. */
async function lead(near: HostConnection, connect: () => Promise<HostConnection>): Promise<void> {
  await using first = near;
  const second = await connect().catch(() => undefined);
  if (second === undefined) {
    await first.writable.abort().catch(() => undefined);
    return;
  }
  await using _ = second;
  const broken = new AbortController();
  const pass = async (from: HostConnection, to: HostConnection): Promise<void> => {
    try {
      await from.readable.pipeTo(to.writable, { signal: broken.signal });
    } catch (failure) {
      broken.abort(failure);
    }
  };
  await Promise.all([pass(first, second), pass(second, first)]);
}
