import { randomBytes } from 'node:crypto';
import { abortedError, throwIfAborted } from '../../abort.ts';
import { collectBytes } from '../../collect-bytes.ts';
import type { FileBody, WriteOptions } from '../../host.ts';
import { HostError } from '../../host-error.ts';
import { type HostPath, joinHostPath, parentHostPath } from '../../host-path.ts';
import { shellWord } from '../../shell-quoting.ts';
import { openScript } from '../link/remote-script.ts';
import { scriptOutput } from '../link/script-output.ts';
import type { SshLink } from '../link/ssh-link.ts';
import { channelInput } from '../process/channel-input.ts';
import { pathWord } from './path-word.ts';
import { publishScript } from './publish-script.ts';
import { shellFailure } from './shell-failure.ts';
import { smallBody, writeSmallFile } from './small-file.ts';

const MAX_MESSAGE_BYTES = 64 * 1024;

/**
 * See `Host.writeFile`: one command fills the temporary file, a second publishes it. The end of a broken channel looks to the host like that of the
 * content, so that only who sent all of it may say that it is whole.
 */
export async function writeRemoteFile(
  link: SshLink,
  path: HostPath,
  request: { readonly body: FileBody } & WriteOptions,
): Promise<void> {
  const { body, signal } = request;
  const bytes = smallBody(body);
  if (bytes !== undefined) return await writeSmallFile(link, path, { ...request, bytes });
  const attempt = `write ${path}`;
  const source = typeof body === 'string' || body instanceof Uint8Array ? undefined : body;
  const temporary = joinHostPath(parentHostPath(path), `.seedbed-${randomBytes(8).toString('hex')}.tmp`);
  let isFilled = false;
  try {
    throwIfAborted(signal, attempt);
    await fill(link, temporary, { attempt, body, path, ifAbsent: request.ifAbsent ?? false, signal }, () => {
      isFilled = true;
    });
    throwIfAborted(signal, attempt);
    await scriptOutput(link, publishScript(temporary, path, request), { attempt });
  } catch (failure) {
    if (isFilled) await discard(link, temporary);
    if (source !== undefined && !source.locked) await source.cancel(failure).catch(() => undefined);
    if (signal?.aborted) throw abortedError(signal, attempt);
    if (failure instanceof HostError) throw failure;
    const reason = failure instanceof Error ? failure.message : String(failure);
    throw new HostError('io', `Could not ${attempt}: ${reason}`, { cause: failure });
  }
}

interface Filling {
  readonly attempt: string;
  readonly body: FileBody;
  readonly path: HostPath;
  readonly ifAbsent: boolean;
  readonly signal: AbortSignal | undefined;
}

async function fill(
  link: SshLink,
  temporary: HostPath,
  { attempt, body, path, ifAbsent, signal }: Filling,
  onCreated: () => void,
): Promise<void> {
  const script = await openScript(link, fillScript(temporary, path, ifAbsent), {
    attempt,
    ...(signal && { signal }),
  });
  const { channel, drained, exit } = script;
  const message = collectBytes(script.stderr.stream, { maxBytes: MAX_MESSAGE_BYTES, keep: 'end' });
  message.catch(() => undefined);
  channel.resume();
  if (script.answer === 'ok') onCreated();
  else if (script.answer === 'exists') {
    throw new HostError(
      'already-exists',
      `Could not ${attempt}: it is there already, and the write was to create it.`,
    );
  } else if (script.answer === 'directory') {
    throw new HostError('is-a-directory', `Could not ${attempt}: it is a folder.`);
  }
  const hangUp = (): void => void channel.end();
  let failure: unknown;
  try {
    if (script.answer === 'ok')
      await stream(body, channelInput(channel, { exit, drained, attempt, hangUp }), signal);
  } catch (cause) {
    failure = cause;
  }
  hangUp();
  const ended = await exit;
  if (ended.kind === 'lost') throw ended.cause;
  if (ended.kind === 'signaled' || ended.code !== 0) {
    throw shellFailure(attempt, Buffer.from((await message).bytes).toString());
  }
  if (failure !== undefined) throw failure;
}

function fillScript(temporary: HostPath, path: HostPath, ifAbsent: boolean): string {
  const [file, target] = [pathWord(temporary), pathWord(path)];
  return [
    ...(ifAbsent ? [`if [ -e ${target} ] || [ -L ${target} ]; then say exists; exit 0; fi`] : []),
    `if [ -d ${target} ] && [ ! -L ${target} ]; then say directory; exit 0; fi`,
    'umask 077; set -C',
    // ls says why, where the shell's own message leaves it open.
    `if ! (: >${file}) 2>/dev/null; then ls -d ${shellWord(`${parentHostPath(temporary)}/.`)} >/dev/null && echo 'Permission denied' >&2; say failed; exit 1; fi`,
    'set +C',
    'say ok',
    `exec cat >${file}`,
  ].join('\n');
}

async function stream(
  body: FileBody,
  sink: WritableStream<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const content =
    typeof body === 'string' || body instanceof Uint8Array
      ? ReadableStream.from([typeof body === 'string' ? new TextEncoder().encode(body) : body])
      : body;
  await content.pipeTo(sink, signal === undefined ? {} : { signal });
}

/** That it could not be removed is a smaller failure than the one that is on its way to the caller. */
async function discard(link: SshLink, temporary: HostPath): Promise<void> {
  await scriptOutput(link, `rm -f ${shellWord(temporary)}`, { attempt: `remove ${temporary}` }).catch(
    () => undefined,
  );
}
