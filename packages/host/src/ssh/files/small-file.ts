import { throwIfAborted } from '../../abort.ts';
import type { FileBody, ReadOptions, WriteOptions } from '../../host.ts';
import type { HostPath } from '../../host-path.ts';
import { scriptResult } from '../link/script-output.ts';
import type { SshLink } from '../link/ssh-link.ts';
import { readScript } from './read-script.ts';
import { REFUSAL, scriptFailure } from './script-refusal.ts';
import { writeAtOnceScript, writeTarget } from './write-script.ts';

/** Up to so many bytes are written by one script that holds them: one round trip, beside all other file operations. */
const MAX_WRITTEN_BYTES = 128 * 1024;
/** Where no more than this is asked for, it comes as the answer of one script. */
const MAX_READ_BYTES = 1024 * 1024 + 1;
/** Where more is asked for, so much of it is tried. */
const TRIED_BYTES = 64 * 1024;

/**
 * See `Host.readFile`. `undefined` when there is more than the answer of one script should hold.
 */
export async function readSmallFile(
  link: SshLink,
  path: HostPath,
  options: ReadOptions,
): Promise<ReadableStream<Uint8Array> | undefined> {
  const { length = Infinity, signal } = options;
  const attempt = `read ${path}`;
  // One byte more shows that there is more.
  const wanted = length <= MAX_READ_BYTES ? length : TRIED_BYTES + 1;
  const script = readScript(path, { ...options, length: wanted }, 'exit');
  const result = await scriptResult(link, script, { attempt, repeatable: true });
  throwIfAborted(signal, attempt);
  if (result.code !== 0) throw scriptFailure(attempt, result);
  const { stdout } = result;
  if (wanted < length && stdout.byteLength === wanted) return undefined;
  return ReadableStream.from(stdout.byteLength === 0 ? [] : [new Uint8Array(stdout)]);
}

/** The bytes of a body that `writeSmallFile` can write. */
export function smallBody(body: FileBody): Uint8Array | undefined {
  if (typeof body !== 'string' && !(body instanceof Uint8Array)) return undefined;
  if (body.length > MAX_WRITTEN_BYTES) return undefined;
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  return bytes.length > MAX_WRITTEN_BYTES ? undefined : bytes;
}

/**
 * See `Host.writeFile`. Once it is sent its outcome counts, whatever the signal says. It is not sent a second time when the connection breaks: what another has
 * written meanwhile would be lost.
 *
 * @returns whether it could: where not, nothing was done.
 */
export async function writeSmallFile(
  link: SshLink,
  path: HostPath,
  { bytes, ...options }: { readonly bytes: Uint8Array } & WriteOptions,
): Promise<boolean> {
  const attempt = `write ${path}`;
  throwIfAborted(options.signal, attempt);
  const script = writeAtOnceScript(writeTarget(path, options), bytes);
  const result = await scriptResult(link, script, { attempt });
  if (result.code === REFUSAL.noPrintf) return false;
  if (result.code !== 0) throw scriptFailure(attempt, result);
  return true;
}
