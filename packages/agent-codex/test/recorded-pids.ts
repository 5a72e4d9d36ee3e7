import type { Host } from '@seedbed/host';

/** A host that tells which app-servers it started. */
export function recordPids(host: Host): Host & { readonly pids: readonly number[] } {
  const pids: number[] = [];
  return {
    ...host,
    pids,
    async spawn(command, options) {
      const process = await host.spawn(command, options);
      if (command.argv.includes('app-server')) pids.push(process.pid);
      return process;
    },
  };
}
