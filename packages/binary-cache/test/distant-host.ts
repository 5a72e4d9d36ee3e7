import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import type { Host } from '@seedbed/host';

/** The same host, farther away: it is looked at with one command, as one behind a network is. */
export function distant(host: Host): Host {
  return {
    ...host,
    stat: async (path, options) => {
      await delay(20);
      // After a standstill of the program, too, whoever has waited for less goes first.
      await setImmediate();
      return await host.stat(path, options);
    },
  };
}
