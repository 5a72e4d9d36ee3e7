import { type Host, type HostPath, joinHostPath, parentHostPath, run } from '@seedbed/host';
import { requireSuccess } from './host-command.ts';
import { hostFailure } from './host-failure.ts';

// The modes that everything gets: nothing is writable by others, or keeps a setuid bit, whatever the archive and the umask say.
const settle = 'chmod -R u=rwX,go=rX .';
const unpackScript = (flags: string): string => `cd "$1" && tar ${flags} "$2" && ${settle}`;
const copyScript = `mkdir -p "$2" && cp -RP "$1/." "$2" && cd "$3" && ${settle}`;

/** For a disk so slow that nobody would wait; an abort ends it earlier. */
const deadlineMs = 6 * 60 * 60_000;

/**
 * Has the host's own tar unpack an archive that lies there into an existing empty folder.
 *
 * @throws {BinaryCacheError} `no-space`, `cache-unwritable`, `host-lost`, `install-failed`, `aborted`.
 */
export async function unpackOnHost(
  host: Host,
  archive: { readonly path: HostPath; readonly compression: 'gzip' | 'none' },
  folder: HostPath,
  signal: AbortSignal,
): Promise<void> {
  // `o`: the files belong to who unpacks them, also when that is root. `m`: their time is now, to the nanosecond; see checkTree.
  const script = unpackScript(archive.compression === 'gzip' ? '-xzomf' : '-xomf');
  const argv = ['sh', '-c', script, 'sh', folder, archive.path] as const;
  await runScript(host, argv, `Unpacking into ${folder}`, signal);
}

/** Copies a tree that is on the host to `target`, a path below `folder`. */
export async function copyOnHost(
  host: Host,
  from: HostPath,
  to: { readonly folder: HostPath; readonly path: string },
  signal: AbortSignal,
): Promise<void> {
  const target = joinHostPath(to.folder, to.path);
  const argv = ['sh', '-c', copyScript, 'sh', from, target, to.folder] as const;
  await runScript(host, argv, `Copying ${from} to ${parentHostPath(target)}`, signal);
}

async function runScript(
  host: Host,
  argv: readonly [string, ...string[]],
  doing: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    const result = await run(host, { argv, env: { LC_ALL: 'C' } }, { signal, timeoutMs: deadlineMs });
    requireSuccess(result, doing);
  } catch (error) {
    throw hostFailure(error, doing, signal);
  }
}
