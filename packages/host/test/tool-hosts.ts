import type { Host } from '../src/index.ts';
import { createLocalHost } from '../src/local/index.ts';
import { createBusyboxRoot, whyNoBusybox } from './busybox-root.ts';

/** Hosts on this machine that differ in the tools that they do their work with. */
export interface ToolHosts extends AsyncDisposable {
  /** `undefined` where it cannot be had. */
  readonly hosts: readonly (readonly [name: string, open: (() => Host) | undefined])[];
}

export async function openToolHosts(): Promise<ToolHosts> {
  const busybox = whyNoBusybox() === undefined ? await createBusyboxRoot() : undefined;
  const isLinux = process.platform === 'linux';
  return {
    hosts: [
      ['node:fs', () => createLocalHost()],
      ["GNU's tools", isLinux ? () => byCommand(createLocalHost()) : undefined],
      [
        'BusyBox',
        busybox &&
          (() => byCommand(createLocalHost({ env: { PATH: `${busybox.path}/bin`, HOME: busybox.path } }))),
      ],
    ],
    async [Symbol.asyncDispose]() {
      await busybox?.[Symbol.asyncDispose]();
    },
  };
}

/** The same host without a way of its own to read files. */
export function byCommand({ readFiles: _, ...host }: Host): Host {
  return host;
}
