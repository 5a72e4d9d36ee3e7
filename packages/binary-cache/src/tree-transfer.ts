import { type Host, type HostPath, joinHostPath, parentHostPath, run } from '@seedbed/host';
import type { ArchivePayload } from './binary-source.ts';
import { describeEnd, succeeded } from './host-command.ts';
import { failureFromText, hostFailure } from './host-failure.ts';

// The modes that everything gets: nothing is writable by others, or keeps a setuid bit, whatever the archive and the umask say.
const settle = 'chmod -R u=rwX,go=rX .';
const unpackScript = (flags: string): string => `cd "$1" && tar ${flags} - && cat >/dev/null && ${settle}`;
const copyScript = `mkdir -p "$2" && cp -RP "$1/." "$2" && cd "$3" && ${settle}`;

/** For a link so slow that nobody would wait; an abort ends it earlier. */
const deadlineMs = 6 * 60 * 60_000;

export interface TransferOptions {
  readonly signal: AbortSignal;
  readonly report: (bytes: number) => void;
}

/**
 * Streams an archive to the host, whose own tar unpacks it into an existing empty folder.
 *
 * @throws {BinaryCacheError} `no-space`, `cache-unwritable`, `install-failed`, `aborted`.
 */
export async function unpackOnHost(
  host: Host,
  archive: ArchivePayload,
  folder: HostPath,
  { signal, report }: TransferOptions,
): Promise<void> {
  let sent = 0;
  const counted = new TransformStream<Uint8Array, Uint8Array>({
    transform: (chunk, controller) => {
      sent += chunk.byteLength;
      report(sent);
      controller.enqueue(chunk);
    },
  });
  // `o`: the files belong to who unpacks them, also when that is root. `m`: their time is now, to the nanosecond; see checkTree.
  const script = unpackScript(archive.compression === 'gzip' ? '-xzomf' : '-xomf');
  await runScript(host, ['sh', '-c', script, 'sh', folder], `Unpacking into ${folder}`, {
    signal,
    input: archive.open().pipeThrough(counted),
  });
}

/** Copies a tree that is on the host to `target`, a path below `folder`. */
export async function copyOnHost(
  host: Host,
  from: HostPath,
  to: { readonly folder: HostPath; readonly path: string },
  signal: AbortSignal,
): Promise<void> {
  const target = joinHostPath(to.folder, to.path);
  await runScript(
    host,
    ['sh', '-c', copyScript, 'sh', from, target, to.folder],
    `Copying ${from} to ${parentHostPath(target)}`,
    {
      signal,
    },
  );
}

async function runScript(
  host: Host,
  argv: readonly [string, ...string[]],
  doing: string,
  options: { readonly signal: AbortSignal; readonly input?: ReadableStream<Uint8Array> },
): Promise<void> {
  try {
    const result = await run(host, { argv, env: { LC_ALL: 'C' } }, { ...options, timeoutMs: deadlineMs });
    if (!succeeded(result)) throw failureFromText(describeEnd(result), doing);
  } catch (error) {
    throw hostFailure(error, doing, options.signal);
  }
}
