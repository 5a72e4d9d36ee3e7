import { collectBytes } from '../collect-bytes.ts';
import { describeExit, outputTail } from '../command-story.ts';
import type { Host } from '../host.ts';
import { HostError } from '../host-error.ts';
import type { HostPath } from '../host-path.ts';
import { decodeHostPathBytes, encodeHostPathBytes } from '../host-path-bytes.ts';
import type { HostProcess, ProcessExit } from '../process.ts';
import { encodeArchive } from './encode-archive.ts';
import type { SafeReading } from './extract-by-files.ts';
import { PLAIN_LOCALE, runUnpacking } from './host-tar.ts';
import { joinChunks } from './join-chunks.ts';

const MAX_MESSAGE_BYTES = 64 * 1024;

/** Unpacks entries into a folder. */
export async function extractWithTar(
  host: Host,
  folder: HostPath,
  readings: AsyncIterable<SafeReading>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const argv = ['tar', '--extract', '--file=-', '--preserve-permissions', '--no-same-owner'] as const;
  await runUnpacking(
    host,
    { argv: [...argv, '--delay-directory-restore'], cwd: folder, env: PLAIN_LOCALE },
    { input: encodeArchive(readings), signal },
  );
}

/** What tar could not read. */
export interface UnreadableName {
  readonly name: string;
  readonly reason: 'gone' | 'unreadable';
}

/**
 * Packs the named entries of a folder (relative, without a leading slash). Names that disappear or cannot be read are left out and told of.
 * Fails with `io` when tar does.
 */
export async function* packWithTar(
  host: Host,
  folder: HostPath,
  names: AsyncIterable<string>,
  onUnreadable: (unreadable: UnreadableName) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const process = await host.spawn({
    argv: [
      ...['tar', '--create', '--file=-', '--format=pax', '--pax-option=delete=atime,delete=ctime'],
      ...['--owner=0', '--group=0', '--numeric-owner', '--mode=u-s,g-s,o-t', '--ignore-failed-read'],
      ...['--quoting-style=c', '--no-recursion', '--null', '--no-unquote', '--files-from=-'],
    ] as [string, ...string[]],
    cwd: folder,
    env: PLAIN_LOCALE,
  });
  let isOver = false;
  try {
    const feeding = feedNames(process, names);
    // Without the rest of the names tar would wait for ever; the failure itself is met below.
    feeding.catch(() => process.end({ from: 'kill' }));
    const messages = collectBytes(process.stderr, { maxBytes: MAX_MESSAGE_BYTES, keep: 'end' });
    yield* process.stdout;
    await feeding;
    const stderr = Buffer.from((await messages).bytes).toString('latin1');
    const exit = await process.closed;
    isOver = true;
    refuseFailure(folder, exit, stderr);
    for (const unreadable of unreadableNames(stderr)) onUnreadable(unreadable);
  } finally {
    if (!isOver) {
      await process.end({ from: 'kill' });
      await process[Symbol.asyncDispose]();
    }
  }
}

async function feedNames(process: HostProcess, names: AsyncIterable<string>): Promise<void> {
  const writer = process.stdin.getWriter();
  for await (const chunk of joinChunks(nulEnded(names))) {
    const isTaken = await writer.write(chunk).then(
      () => true,
      () => false,
    );
    // How tar ended says why it takes no more.
    if (!isTaken) return;
  }
  await writer.close();
}

async function* nulEnded(names: AsyncIterable<string>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const name of names) yield encodeHostPathBytes(`./${name}\0`);
}

/** GNU tar exits with 1 when a file changed while it was packed. */
function refuseFailure(folder: HostPath, exit: ProcessExit, stderr: string): void {
  if (exit.kind === 'exited' && exit.code <= 1 && stderr.length < MAX_MESSAGE_BYTES) return;
  if (exit.kind === 'lost')
    throw new HostError('host-lost', `Could not pack ${folder}: the host is gone.`, { cause: exit.cause });
  throw new HostError('io', `Could not pack ${folder}: tar ${describeExit(exit)}${outputTail(stderr)}`);
}

const WARNING = /^tar: "((?:[^"\\]|\\.)*)": Warning: Cannot \w+: (.*)$/gm;

function* unreadableNames(stderr: string): Generator<UnreadableName> {
  for (const [, quoted = '', message = ''] of stderr.matchAll(WARNING)) {
    const reason = message.startsWith('No such file') ? 'gone' : 'unreadable';
    yield { name: unquote(quoted).replace(/^\.\//, ''), reason };
  }
}

const ESCAPES: Readonly<Record<string, number>> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13 };

/** The name in a string of GNU's quoting style `c`. */
function unquote(quoted: string): string {
  const bytes: number[] = [];
  for (const [piece] of quoted.matchAll(/\\[0-7]{3}|\\.|[^\\]/g)) {
    const escaped = piece[1];
    if (escaped === undefined) bytes.push(piece.charCodeAt(0));
    else if (piece.length === 4) bytes.push(Number.parseInt(piece.slice(1), 8));
    else bytes.push(ESCAPES[escaped] ?? escaped.charCodeAt(0));
  }
  return decodeHostPathBytes(Uint8Array.from(bytes));
}
