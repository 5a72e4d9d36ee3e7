import { abortedError, throwIfAborted } from '../../abort.ts';
import { collectBytes } from '../../collect-bytes.ts';
import type { ReadOptions } from '../../host.ts';
import type { HostPath } from '../../host-path.ts';
import { checkByteRange } from '../../option-values.ts';
import { openScript, type RemoteScript } from '../link/remote-script.ts';
import type { SshLink } from '../link/ssh-link.ts';
import { readScript } from './read-script.ts';
import { scriptFailure } from './script-refusal.ts';
import { shellFailure } from './shell-failure.ts';
import { readSmallFile } from './small-file.ts';

const MAX_MESSAGE_BYTES = 64 * 1024;

/** See `Host.readFile`. What is not small is streamed by the host's own tools over a channel of its own, which holds them back while nobody reads. */
export async function readRemoteFile(
  link: SshLink,
  path: HostPath,
  options: ReadOptions,
): Promise<ReadableStream<Uint8Array>> {
  checkByteRange(options);
  const attempt = `read ${path}`;
  const { signal } = options;
  throwIfAborted(signal, attempt);
  const small = await readSmallFile(link, path, options);
  if (small !== undefined) return small;
  const body = readScript(path, options, 'say refused; exit', 'say ok');
  const script = await openScript(link, body, { attempt, repeatable: true, ...(signal && { signal }) });
  script.channel.end();
  if (signal?.aborted) {
    script.channel.close();
    await script.stdout.stream.cancel();
    throw abortedError(signal, attempt);
  }
  if (script.answer === 'ok') return fileStream(script, attempt, signal);
  const message = await collectBytes(script.stderr.stream, { maxBytes: MAX_MESSAGE_BYTES, keep: 'end' });
  const exit = await script.exit;
  if (exit.kind === 'lost') throw exit.cause;
  const code = exit.kind === 'exited' ? exit.code : 1;
  throw scriptFailure(attempt, { code, stderr: Buffer.from(message.bytes).toString() });
}

function fileStream(
  { channel, stdout, stderr, exit }: RemoteScript,
  attempt: string,
  signal: AbortSignal | undefined,
): ReadableStream<Uint8Array> {
  const reader = stdout.stream.getReader();
  const message = collectBytes(stderr.stream, { maxBytes: MAX_MESSAGE_BYTES, keep: 'end' });
  message.catch(() => undefined);
  const stop = (): void => {
    signal?.removeEventListener('abort', onAbort);
    channel.close();
    // Until its last byte is taken, a channel keeps its place.
    reader.cancel().catch(() => undefined);
  };
  let fail: (() => void) | undefined;
  const onAbort = (): void => fail?.();
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        fail = () => {
          if (signal !== undefined) controller.error(abortedError(signal, attempt));
          stop();
        };
        signal?.addEventListener('abort', onAbort, { once: true });
      },
      async pull(controller) {
        const { done, value } = await reader.read();
        if (signal?.aborted) return;
        if (!done) return controller.enqueue(value);
        signal?.removeEventListener('abort', onAbort);
        const ended = await exit;
        if (ended.kind === 'lost') throw ended.cause;
        if (ended.kind === 'signaled' || ended.code !== 0)
          throw shellFailure(attempt, Buffer.from((await message).bytes).toString());
        controller.close();
      },
      cancel: stop,
    },
    { highWaterMark: 0 },
  );
}
