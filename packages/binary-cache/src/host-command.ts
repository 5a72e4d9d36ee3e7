import type { Command, Host, ProcessExit } from '@seedbed/host';

export interface CommandOptions {
  readonly signal: AbortSignal;
  /** Sent to the command; without it the command's input is empty. */
  readonly stdin?: ReadableStream<Uint8Array>;
  /** How much of each output is kept, in bytes. 64 KiB unless given; the rest is read and dropped. */
  readonly keepBytes?: number;
}

export interface CommandResult {
  readonly exit: ProcessExit;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a command on the host to its end. A command that fails is a result.
 *
 * @throws HostError when it could not be started; the failure of `stdin` when its source failed.
 */
export async function runOnHost(
  host: Host,
  command: Command,
  { signal, stdin, keepBytes = 65_536 }: CommandOptions,
): Promise<CommandResult> {
  await using process = await host.spawn(command, { signal });
  const sourceFailure = { current: undefined as unknown };
  const fed = feed(process.stdin, stdin, signal, (error) => {
    sourceFailure.current = error;
  });
  const [stdout, stderr] = await Promise.all([
    readText(process.stdout, keepBytes),
    readText(process.stderr, keepBytes),
    fed,
  ]);
  const exit = await process.closed;
  if (sourceFailure.current !== undefined) throw sourceFailure.current;
  return { exit, stdout, stderr };
}

/** A command that stops reading is not a failure here: its exit and what it printed say more. */
async function feed(
  target: WritableStream<Uint8Array>,
  source: ReadableStream<Uint8Array> | undefined,
  signal: AbortSignal,
  onSourceFailure: (error: unknown) => void,
): Promise<void> {
  if (source === undefined) {
    await target.close().catch(() => undefined);
    return;
  }
  const watched = source.pipeThrough(new TransformStream<Uint8Array, Uint8Array>());
  const reader = watched.getReader();
  const writer = target.getWriter();
  let accepts = true;
  try {
    while (accepts) {
      const next = await reader.read().catch((error: unknown) => {
        onSourceFailure(error);
        return { done: true as const, value: undefined };
      });
      if (next.done || signal.aborted) break;
      await writer.write(next.value).catch(() => {
        accepts = false;
      });
    }
  } finally {
    await writer.close().catch(() => undefined);
    await reader.cancel().catch(() => undefined);
  }
}

async function readText(stream: ReadableStream<Uint8Array>, keepBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let kept = 0;
  for await (const chunk of stream) {
    if (kept >= keepBytes) continue;
    chunks.push(chunk.subarray(0, keepBytes - kept));
    kept += Math.min(chunk.byteLength, keepBytes - kept);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** How a command ended, for a message: `exit code 2: tar: Unexpected EOF`. */
export function describeEnd({ exit, stderr }: CommandResult): string {
  const how =
    exit.kind === 'exited'
      ? `exit code ${exit.code}`
      : exit.kind === 'signaled'
        ? `ended by ${exit.name}`
        : 'lost';
  const said = stderr.trim().split('\n').slice(-3).join(' / ').slice(0, 500);
  return said === '' ? how : `${how}: ${said}`;
}

export function succeeded({ exit }: CommandResult): boolean {
  return exit.kind === 'exited' && exit.code === 0;
}
