import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

/** A folder that looks like a machine with nothing but BusyBox, and how an sshd runs commands there. */
export interface BusyboxRoot extends AsyncDisposable {
  readonly path: string;
  /** For `TestSshdOptions.config`: every command runs with `path` as its root. */
  readonly sshdConfig: readonly string[];
}

const PLACES = ['/usr/bin/busybox', '/bin/busybox'];

/** Why there is no BusyBox here, `undefined` when there is one. */
export function whyNoBusybox(): string | undefined {
  return findBusybox() === undefined ? 'there is no BusyBox (Debian: busybox)' : undefined;
}

/** Why no command can run in a BusyBox root here, `undefined` when one can. */
export function whyNoBusyboxRoot(): string | undefined {
  if (process.platform === 'linux' && process.getuid?.() === 0) return whyNoBusybox();
  return 'only root, on Linux, can give a command another root';
}

function findBusybox(): string | undefined {
  return PLACES.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * Creates one. `/proc`, `/dev` and `/tmp` are this machine's: sshd itself, which opens sockets, sees the same files there. They are mounted for each command
 * in a mount namespace of its own, which ends with the last process in it: so whatever dies, no mount is left.
 */
export async function createBusyboxRoot(): Promise<BusyboxRoot> {
  const busybox = findBusybox();
  if (busybox === undefined) throw new Error('There is no BusyBox here.');
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'seedbed-busybox-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o755);
  const path = join(folder, 'root');
  for (const one of ['bin', 'dev', 'etc', 'proc', 'root', 'tmp']) {
    await mkdir(join(path, one), { recursive: true });
  }
  await writeFile(join(path, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  await plantBusybox(busybox, path);
  const enter = join(folder, 'enter');
  await writeFile(enter, enterScript(path), { mode: 0o755 });
  const resources = stack.move();
  return {
    path,
    sshdConfig: [`ForceCommand exec ${enter}`],
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

async function plantBusybox(busybox: string, root: string): Promise<void> {
  const { stdout: libraries } = await promisify(execFile)('ldd', [busybox]).catch(() => ({ stdout: '' }));
  for (const [, file = ''] of libraries.matchAll(/(?:=> |^\s)(\/\S+) \(/gm)) {
    await mkdir(join(root, dirname(file)), { recursive: true });
    await copyFile(file, join(root, file));
  }
  await copyFile(busybox, join(root, 'bin/busybox'));
  const { stdout: applets } = await promisify(execFile)(busybox, ['--list']);
  for (const applet of applets.trim().split('\n')) {
    if (applet !== 'busybox') await symlink('busybox', join(root, 'bin', applet));
  }
}

/** The command becomes the process that sshd started: it keeps its number and stays the leader of its session. */
function enterScript(root: string): string {
  const inside = [
    `mount --rbind /proc '${root}/proc'`,
    `mount --rbind /dev '${root}/dev'`,
    `mount --bind /tmp '${root}/tmp'`,
    'c=$SSH_ORIGINAL_COMMAND; unset SSH_ORIGINAL_COMMAND',
    `exec chroot '${root}' /bin/sh -c "$c"`,
  ].join('; ');
  return `#!/bin/sh\nexec unshare --mount --propagation private -- /bin/sh -c ${quoted(inside)}\n`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
