import { abortedError, throwIfAborted } from '../../abort.ts';
import { collectBytes } from '../../collect-bytes.ts';
import type { ReadOptions } from '../../host.ts';
import { HostError } from '../../host-error.ts';
import type { HostPath } from '../../host-path.ts';
import { openScript, type RemoteScript } from '../link/remote-script.ts';
import type { SshLink } from '../link/ssh-link.ts';
import { pathWord } from './path-word.ts';
import { shellFailure } from './shell-failure.ts';
import { isSmallRead, readSmallFile } from './small-file.ts';

const MAX_MESSAGE_BYTES = 64 * 1024;

/** See `Host.readFile`. The file is streamed by the host's own tools over one channel, which holds them back while nobody reads. */
export async function readRemoteFile(
  link: SshLink,
  path: HostPath,
  options: ReadOptions,
): Promise<ReadableStream<Uint8Array>> {
  const attempt = `read ${path}`;
  throwIfAborted(options.signal, attempt);
  if (isSmallRead(options)) return await readSmallFile(link, path, options);
  const { signal } = options;
  const script = await openScript(link, readScript(path, options), { attempt, ...(signal && { signal }) });
  script.channel.end();
  if (signal?.aborted) {
    script.channel.close();
    await script.stdout.stream.cancel();
    throw abortedError(signal, attempt);
  }
  if (script.answer === 'ok') return fileStream(script, attempt, signal);
  const message = await collectBytes(script.stderr.stream, { maxBytes: MAX_MESSAGE_BYTES, keep: 'end' });
  if (script.answer === 'directory')
    throw new HostError('is-a-directory', `Could not ${attempt}: it is a folder.`);
  if (script.answer === 'other') {
    const why = 'it is a device, a pipe or a socket, which may never end';
    throw new HostError('unsupported', `Could not ${attempt}: ${why}.`);
  }
  throw shellFailure(attempt, Buffer.from(message.bytes).toString());
}

function readScript(path: HostPath, { offset = 0, length }: ReadOptions): string {
  const file = pathWord(path);
  const from = offset === 0 ? 'cat' : `tail -c +${offset + 1}`;
  const read = length === undefined ? `exec ${from} <${file}` : `${from} <${file} | head -c ${length}`;
  return [
    `if [ -d ${file} ]; then say directory; exit 0; fi`,
    // ls says why there is nothing.
    `if [ ! -e ${file} ]; then ls -dL ${file} >/dev/null; say failed; exit 0; fi`,
    `if [ ! -f ${file} ]; then say other; exit 0; fi`,
    `if [ ! -r ${file} ]; then echo 'Permission denied' >&2; say failed; exit 0; fi`,
    'say ok',
    length === 0 ? 'exit 0' : read,
  ].join('\n');
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
