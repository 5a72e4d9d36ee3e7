import { throwIfAborted } from '../../abort.ts';
import type { FileBody, WriteOptions } from '../../host.ts';
import { HostError } from '../../host-error.ts';
import type { HostPath } from '../../host-path.ts';
import { type Interruption, throughInterruptions } from '../link/interruption.ts';
import type { SshLink } from '../link/ssh-link.ts';
import { bodySource } from './body-source.ts';
import { smallBody, writeSmallFile } from './small-file.ts';
import { streamToFile } from './stream-to-file.ts';
import { writeTarget } from './write-script.ts';

/**
 * See `Host.writeFile`. Where the connection breaks before all was sent nothing has changed, and a body that is here as a whole is sent anew.
 *
 * @throws {HostError} also `host-lost`, whose message says whether it may have been written.
 */
export async function writeRemoteFile(
  link: SshLink,
  path: HostPath,
  request: { readonly body: FileBody } & WriteOptions,
): Promise<void> {
  const { body, ...options } = request;
  const bytes = smallBody(body);
  if (bytes !== undefined && (await writeSmallFile(link, path, { ...options, bytes }))) return;
  if (typeof body === 'string') await writeBytes(link, path, { ...options, body: Buffer.from(body) });
  else if (body instanceof Uint8Array) await writeBytes(link, path, { ...options, body });
  else await writeStream(link, path, { ...options, body });
}

async function writeBytes(
  link: SshLink,
  path: HostPath,
  { body, ...options }: { readonly body: Uint8Array } & WriteOptions,
): Promise<void> {
  const { signal } = options;
  const attempt = `write ${path}`;
  throwIfAborted(signal, attempt);
  await throughInterruptions({ attempt }, async () => {
    const chunks = [body];
    const source = { read: async () => chunks.shift(), cancel: () => undefined };
    const target = writeTarget(path, options);
    return await streamToFile(link, target, { attempt, source, ...(signal && { signal }) });
  });
}

async function writeStream(
  link: SshLink,
  path: HostPath,
  { body, ...options }: { readonly body: ReadableStream<Uint8Array> } & WriteOptions,
): Promise<void> {
  const { signal } = options;
  const attempt = `write ${path}`;
  const source = bodySource(body);
  try {
    throwIfAborted(signal, attempt);
    const target = writeTarget(path, options);
    const outcome = await streamToFile(link, target, { attempt, source, ...(signal && { signal }) });
    if (outcome.kind === 'interrupted') throw interrupted(attempt, outcome);
  } catch (failure) {
    source.cancel(failure);
    throw failure;
  }
}

function interrupted(attempt: string, { cause, wasSent }: Interruption): HostError {
  const story = wasSent
    ? `Could not learn whether this was done: ${attempt}. The connection broke after all was sent, and before the host answered.`
    : `Could not ${attempt}: the connection broke before all was sent, and nothing was changed.`;
  return new HostError('host-lost', `${story} ${cause.message}`, { cause });
}
