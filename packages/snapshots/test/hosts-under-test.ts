import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Host } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { openSshHost } from '@seedbed/host/ssh';
import { openSshd } from '@seedbed/host/testing';
import { afterAll, type TestContext } from 'vitest';

export interface HostUnderTest {
  /** For titles. */
  readonly where: string;
  /** Whether a restore brings times back to the nanosecond. */
  readonly exactTimes: boolean;
  /** One for all tests of a file. A test is skipped where there can be none. */
  host(context?: TestContext): Promise<Host>;
}

/**
 * This machine, as itself and through a real sshd, with its own tools and with BusyBox's. Called once in a test file: what is opened for it is closed after its tests.
 */
export function hostsUnderTest(): readonly HostUnderTest[] {
  const stack = new AsyncDisposableStack();
  afterAll(() => stack.disposeAsync());
  const once = (open: () => Promise<Host>): (() => Promise<Host>) => {
    let opened: Promise<Host> | undefined;
    return () => {
      opened ??= open();
      return opened;
    };
  };
  const connect = async (config: readonly string[] = []): Promise<Host> => {
    const { host, port, user, privateKey, fingerprint } = stack.use(await openSshd({ config }));
    return stack.use(await openSshHost({ host, port, user, auth: { privateKey }, hostKey: { fingerprint } }));
  };
  const local = once(async () => stack.use(createLocalHost()));
  const remote = once(() => connect());
  const busybox = once(async () => {
    const tools = stack.use(await openBusyboxTools());
    // By node:fs nothing would be left for the tools to do.
    const { readFiles: _, ...host } = stack.use(
      createLocalHost({ env: { PATH: tools.path, HOME: tools.path } }),
    );
    return host;
  });
  const remoteBusybox = once(async () => {
    const tools = stack.use(await openBusyboxTools());
    return await connect([`ForceCommand exec ${tools.enter}`]);
  });
  const needsBusybox = (open: () => Promise<Host>) => async (context?: TestContext) => {
    if (!isBusyboxThere()) context?.skip('there is no BusyBox (Debian: busybox)');
    return await open();
  };
  return [
    { where: 'on this machine', exactTimes: true, host: local },
    { where: 'through SSH', exactTimes: true, host: remote },
    { where: 'with BusyBox', exactTimes: false, host: needsBusybox(busybox) },
    { where: 'with BusyBox through SSH', exactTimes: false, host: needsBusybox(remoteBusybox) },
  ];
}

function isBusyboxThere(): boolean {
  return spawnSync('busybox', ['true']).status === 0;
}

/** A folder that holds BusyBox's tools alone, and a program that runs a command of sshd's with them. */
async function openBusyboxTools(): Promise<
  { readonly path: string; readonly enter: string } & AsyncDisposable
> {
  const path = await mkdtemp(join(tmpdir(), 'seedbed-busybox-'));
  const program = spawnSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).stdout.trim();
  const applets = spawnSync(program, ['--list'], { encoding: 'utf8' }).stdout.trim().split('\n');
  for (const applet of applets) await symlink(program, join(path, applet));
  const enter = join(path, 'enter-busybox');
  await writeFile(
    enter,
    `#!${program} sh\nexport PATH=${path}\nexec ${path}/sh -c "$SSH_ORIGINAL_COMMAND"\n`,
    { mode: 0o755 },
  );
  return { path, enter, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
