import { describeExit, outputTail } from '../command-story.ts';
import type { FileBody, Host } from '../host.ts';
import { HostError } from '../host-error.ts';
import type { HostPath } from '../host-path.ts';
import type { Command } from '../process.ts';
import { run } from '../run.ts';

/** The kinds of tar(1) whose options and messages are known here. */
export type HostTar = 'gnu' | 'busybox';

/** Messages in English, names as bytes. */
export const PLAIN_LOCALE: Readonly<Record<string, string | undefined>> = {
  LC_ALL: 'C',
  TAR_OPTIONS: undefined,
  POSIXLY_CORRECT: undefined,
};

/** Which tar the host has; `undefined` for none, or one that is not known. */
export async function tarOf(host: Host): Promise<HostTar | undefined> {
  try {
    const { stdout, stderr } = await run(host, { argv: ['tar', '--version'], env: PLAIN_LOCALE });
    if (stdout.includes('GNU tar')) return 'gnu';
    return /\bbusybox\b/i.test(stdout + stderr) ? 'busybox' : undefined;
  } catch (failure) {
    if (failure instanceof HostError && failure.code.startsWith('command-not-')) return undefined;
    throw failure;
  }
}

export type UnpackingCommand = Command & { readonly cwd: HostPath };

const MAX_MESSAGE_BYTES = 64 * 1024;

/** Of a write that the disk took in part only GNU's tar tells no reason: it is that there was no room for the rest. */
const NO_SPACE = /No space left on device|Disk quota exceeded|: Wrote only \d+ of \d+ bytes$/m;

/**
 * Runs a command that unpacks into the folder that it runs in.
 *
 * @throws {HostError} `no-space`, `host-lost`, `aborted`, `io`.
 */
export async function runUnpacking(
  host: Host,
  command: UnpackingCommand,
  { input, signal }: { readonly input: FileBody; readonly signal: AbortSignal | undefined },
): Promise<void> {
  const { exit, stderr } = await run(host, command, {
    input,
    timeoutMs: Number.POSITIVE_INFINITY,
    maxOutputBytes: MAX_MESSAGE_BYTES,
    ...(signal && { signal }),
  });
  if (exit.kind === 'exited' && exit.code === 0) return;
  const story = `Could not unpack into ${command.cwd}: ${command.argv[0]} ${describeExit(exit)}${outputTail(stderr)}`;
  if (exit.kind === 'lost') throw new HostError('host-lost', story, { cause: exit.cause });
  throw new HostError(NO_SPACE.test(stderr) ? 'no-space' : 'io', story);
}
