import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { abortedError } from '../../abort.ts';
import { collectBytes } from '../../collect-bytes.ts';
import { HostError } from '../../host-error.ts';
import type { ProcessExit } from '../../process.ts';
import type { Interruption } from '../link/interruption.ts';
import { openScript, type RemoteScript } from '../link/remote-script.ts';
import type { SshLink } from '../link/ssh-link.ts';
import { channelSender } from '../process/channel-input.ts';
import { discardTemporary } from './discard-temporary.ts';
import { scriptFailure } from './script-refusal.ts';
import { type WriteTarget, writeStreamScript } from './write-script.ts';

/** Where the content comes from, once. */
export interface StreamSource {
  /** `undefined` at the end. */
  readonly read: () => Promise<Uint8Array | undefined>;
  /** A chunk that was read is not needed any more. */
  readonly usedUp?: (chunk: Uint8Array) => void;
  /** Nothing more is wanted: a read that is under way comes to its end. */
  readonly cancel: (reason: unknown) => void;
}

export interface StreamToFileOptions {
  readonly source: StreamSource;
  /** For messages, after "Could not". */
  readonly attempt: string;
  readonly signal?: AbortSignal;
}

const MAX_MESSAGE_BYTES = 64 * 1024;
/** Smaller chunks are put together: each packet costs as much again. */
const GATHERED_BYTES = 64 * 1024;
/** How long the script is given to clean up when it is stopped. */
const STOP_GRACE_MS = 5_000;

/**
 * Writes a file from a source in a session of its own, which holds the source back. An interruption says by `wasSent` whether it may have been written.
 *
 * @throws {HostError} what `Host.writeFile` throws, `io` when the source fails.
 */
export async function streamToFile(
  link: SshLink,
  target: WriteTarget,
  options: StreamToFileOptions,
): Promise<{ readonly kind: 'done'; readonly value: undefined } | Interruption> {
  const { attempt, signal } = options;
  const seal = randomBytes(16).toString('hex');
  const script = await openScript(link, writeStreamScript(target, seal), {
    attempt,
    // It publishes nothing before it has the seal.
    repeatable: true,
    ...(signal && { signal }),
  });
  const message = collectBytes(script.stderr.stream, { maxBytes: MAX_MESSAGE_BYTES, keep: 'end' });
  message.catch(() => undefined);
  void script.stdout.stream.cancel();
  const sending = startSending(script, seal, options);
  await sending.over;
  script.channel.end();
  const exit = await exitOf(script, sending.stopped);
  sending.letGo();
  if (exit?.kind === 'exited' && exit.code === 0) return { kind: 'done', value: undefined };
  if (exit === undefined || exit.kind === 'lost') {
    script.channel.close();
    void discardTemporary(link, target.temporary);
  }
  sending.stopped.throwIfAborted();
  if (exit?.kind === 'lost') return { kind: 'interrupted', cause: exit.cause, wasSent: sending.isSealed() };
  const stderr = Buffer.from((await message).bytes).toString();
  throw scriptFailure(attempt, { code: exit?.kind === 'exited' ? exit.code : 1, stderr });
}

interface Sending {
  /** Resolves when all was sent, or nothing more will be. */
  readonly over: Promise<void>;
  /** Aborts when the source failed or the caller wants it no more, with the `HostError` as its reason. */
  readonly stopped: AbortSignal;
  /** Whether the host may have all. */
  isSealed(): boolean;
  letGo(): void;
}

function startSending(
  { answer, channel, exit, drained }: RemoteScript,
  seal: string,
  { source, attempt, signal }: StreamToFileOptions,
): Sending {
  const over = Promise.withResolvers<void>();
  const stop = new AbortController();
  let isOver = answer !== 'ok';
  let isSealed = false;
  const finish = (): void => {
    isOver = true;
    over.resolve();
  };
  const stopFor = (failure: HostError): void => {
    stop.abort(failure);
    source.cancel(failure);
    finish();
  };
  const onAbort = (): void => {
    if (signal !== undefined) stopFor(abortedError(signal, attempt));
  };
  const put = channelSender(channel, { exit, drained, attempt });
  const read = (): Promise<Uint8Array | undefined> =>
    source.read().catch((cause: unknown) => {
      stopFor(sourceFailure(attempt, cause));
      return undefined;
    });
  const pump = async (): Promise<void> => {
    let gathered: Uint8Array[] = [];
    let bytes = 0;
    for (let next = isOver ? undefined : read(); next !== undefined; ) {
      const chunk = await next;
      if (isOver) return;
      // While this is sent.
      next = chunk === undefined ? undefined : read();
      if (chunk !== undefined) gathered.push(chunk);
      bytes += chunk?.byteLength ?? 0;
      if (next !== undefined && bytes < GATHERED_BYTES) continue;
      const [first = new Uint8Array(), ...others] = gathered;
      await put(others.length === 0 ? first : Buffer.concat(gathered));
      for (const sent of gathered) source.usedUp?.(sent);
      gathered = [];
      bytes = 0;
    }
    if (isOver) return;
    isSealed = true;
    await put(Buffer.from(seal));
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) onAbort();
  // What cannot be sent any more is explained by the exit.
  void exit.then(finish);
  void pump().then(finish, finish);
  return {
    over: over.promise,
    stopped: stop.signal,
    isSealed: () => isSealed,
    letGo: () => signal?.removeEventListener('abort', onAbort),
  };
}

function sourceFailure(attempt: string, cause: unknown): HostError {
  if (cause instanceof HostError) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new HostError('io', `Could not ${attempt}: ${reason}`, { cause });
}

/** How the script ended. `undefined` when it was stopped and did not end in time. */
async function exitOf({ exit }: RemoteScript, stopped: AbortSignal): Promise<ProcessExit | undefined> {
  const settled = new AbortController();
  const tooLate = async (): Promise<undefined> => {
    if (!stopped.aborted) await once(stopped, 'abort', { signal: settled.signal });
    await delay(STOP_GRACE_MS, undefined, { signal: settled.signal });
  };
  const late = tooLate();
  late.catch(() => undefined);
  try {
    return await Promise.race([exit, late]);
  } finally {
    settled.abort();
  }
}
