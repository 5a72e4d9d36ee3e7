import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Host, type HostPath, hostPath } from '@seedbed/host';
import { openSshHost, type SshHostOptions } from '@seedbed/host/ssh';
import { findSshd, type LinkProxy, openLinkProxy, openSshd, type TestSshd } from '@seedbed/host/testing';
import type { TestContext } from 'vitest';
import { scratchFolder } from './scratch-folder.ts';
import { type ToolOptions, type ToolPackage, toolPackage } from './tool-release.ts';

/** A machine of its own behind an SSH server: with a home, and a link that can be slow or cut. */
export interface SshStage extends AsyncDisposable {
  readonly sshd: TestSshd;
  readonly link: LinkProxy;
  readonly tool: ToolPackage;
  /** Of the tool, on this side. */
  readonly archive: string;
  /** The cache's folder on the host. */
  readonly directory: HostPath;
  readonly scratch: string;
  /** Another login to the same host, through the link. */
  openHost(options?: Partial<SshHostOptions>): Promise<Host>;
}

export interface SshStageOptions extends ToolOptions {
  /** Makes what the login finds on its PATH, in a folder of the stage; the server's own by default. */
  readonly path?: (scratch: string) => Promise<string>;
}

/** Where tests must be whole (CI), a missing server is their failure. */
export function skipWithoutSshd(context: TestContext): void {
  context.skip(findSshd() === undefined && process.env['CI'] === undefined, 'there is no sshd');
}

export async function sshStage({ path, ...options }: SshStageOptions = {}): Promise<SshStage> {
  await using stack = new AsyncDisposableStack();
  const scratch = stack.use(await scratchFolder()).path;
  const home = join(scratch, 'home');
  await mkdir(home);
  const variables = [`HOME=${home}`, ...(path === undefined ? [] : [`PATH=${await path(scratch)}`])];
  const sshd = stack.use(await openSshd({ config: [`SetEnv ${['SHLVL=1', ...variables].join(' ')}`] }));
  const link = stack.use(await openLinkProxy(sshd));
  const tool = await toolPackage(options);
  const archive = join(scratch, 'tool.tgz');
  await writeFile(archive, tool.tarball);
  const hosts = stack.adopt([] as Host[], async (opened) => {
    for (const host of opened) await host[Symbol.asyncDispose]();
  });
  const resources = stack.move();
  return {
    sshd,
    link,
    tool,
    archive,
    scratch,
    directory: hostPath(join(home, 'cache')),
    openHost: async (options = {}) => {
      const { user, privateKey, fingerprint } = sshd;
      const host = await openSshHost({
        host: link.host,
        port: link.port,
        user,
        auth: { privateKey },
        hostKey: { fingerprint },
        waitMs: 40_000,
        reconnectForMs: 40_000,
        ...options,
      });
      hosts.push(host);
      return host;
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
