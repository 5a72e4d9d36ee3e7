import { setTimeout as delay } from 'node:timers/promises';
import type { Host } from '@seedbed/host';

/** The same host, farther away: it is looked at with one command, as one behind a network is. */
export function distant(host: Host): Host {
  return {
    ...host,
    stat: async (path, options) => {
      await delay(20);
      return await host.stat(path, options);
    },
  };
}
