import { randomBytes } from 'node:crypto';
import { throwIfAborted } from '../../abort.ts';
import type { ReadOptions, WriteOptions } from '../../host.ts';
import { HostError } from '../../host-error.ts';
import { type HostPath, joinHostPath, parentHostPath } from '../../host-path.ts';
import { shellWord } from '../../shell-quoting.ts';
import { scriptResult } from '../link/script-output.ts';
import type { SshLink } from '../link/ssh-link.ts';
import { pathWord } from './path-word.ts';
import { publishScript } from './publish-script.ts';
import { shellFailure } from './shell-failure.ts';

/** Up to so many bytes are written by one script that holds them: one round trip, beside all other file operations. */
const MAX_WRITTEN_BYTES = 128 * 1024;
/** Where no more than this is asked for, it comes as the answer of one script. */
const MAX_READ_BYTES = 1024 * 1024 + 1;

/** What a script ends with when the path is not what it takes; a failure of its tools is 1. */
const [EXISTS, DIRECTORY, OTHER] = [71, 72, 73] as const;

/** Whether `readSmallFile` can do it. */
export function isSmallRead(options: ReadOptions): options is ReadOptions & { readonly length: number } {
  return options.length !== undefined && options.length <= MAX_READ_BYTES;
}

/** See `Host.readFile`. */
export async function readSmallFile(
  link: SshLink,
  path: HostPath,
  { offset = 0, length, signal }: ReadOptions & { readonly length: number },
): Promise<ReadableStream<Uint8Array>> {
  const attempt = `read ${path}`;
  const file = pathWord(path);
  const script = [
    `if [ -d ${file} ]; then exit ${DIRECTORY}; fi`,
    // ls says why there is nothing.
    `if [ ! -e ${file} ]; then ls -dL ${file} >/dev/null; exit 1; fi`,
    `if [ ! -f ${file} ]; then exit ${OTHER}; fi`,
    `if [ ! -r ${file} ]; then echo 'Permission denied' >&2; exit 1; fi`,
    length === 0 ? 'exit 0' : `tail -c +${offset + 1} <${file} | head -c ${length}`,
  ].join('\n');
  const { code, stderr, stdout } = await scriptResult(link, script, { attempt, repeatable: true });
  throwIfAborted(signal, attempt);
  if (code !== 0) throw failureOf(code, attempt, stderr);
  return ReadableStream.from(stdout.length === 0 ? [] : [new Uint8Array(stdout)]);
}

/** The bytes of a body that `writeSmallFile` can write. */
export function smallBody(body: unknown): Uint8Array | undefined {
  if (typeof body !== 'string' && !(body instanceof Uint8Array)) return undefined;
  if (body.length > MAX_WRITTEN_BYTES) return undefined;
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  return bytes.length > MAX_WRITTEN_BYTES ? undefined : bytes;
}

/** See `Host.writeFile`. A script that is cut off does nothing, so that here one is enough. */
export async function writeSmallFile(
  link: SshLink,
  path: HostPath,
  { bytes, ...options }: { readonly bytes: Uint8Array } & WriteOptions,
): Promise<void> {
  const attempt = `write ${path}`;
  throwIfAborted(options.signal, attempt);
  const folder = parentHostPath(path);
  const temporary = joinHostPath(folder, `.seedbed-${randomBytes(8).toString('hex')}.tmp`);
  const [file, target] = [pathWord(temporary), pathWord(path)];
  const script = [
    ...(options.ifAbsent ? [`if [ -e ${target} ] || [ -L ${target} ]; then exit ${EXISTS}; fi`] : []),
    `if [ -d ${target} ] && [ ! -L ${target} ]; then exit ${DIRECTORY}; fi`,
    'umask 077; set -C',
    // ls says why, where the shell's own message leaves it open.
    `if ! (: >${file}) 2>/dev/null; then ls -d ${shellWord(`${folder}/.`)} >/dev/null && echo 'Permission denied' >&2; exit 1; fi`,
    'set +C',
    // The shell's own message would not say that the disk is full.
    `if ! ${printed(bytes)} | cat >${file}; then rm -f ${file}; exit 1; fi`,
    `(\n${publishScript(temporary, path, options)}\n) || { rm -f ${file}; exit 1; }`,
  ].join('\n');
  const { code, stderr } = await scriptResult(link, script, {
    attempt,
    // Once it is there, a second time would say that it was there already.
    repeatable: options.ifAbsent !== true,
  });
  if (code !== 0) throw failureOf(code, attempt, stderr);
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A command that prints these bytes. */
function printed(bytes: Uint8Array): string {
  const text = textOf(bytes);
  if (text !== undefined && !text.includes('\0')) return `printf %s ${shellWord(text)}`;
  const octal = Array.from(bytes, (byte) => `\\0${byte.toString(8).padStart(3, '0')}`).join('');
  return `printf %b ${shellWord(octal)}`;
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return undefined;
  }
}

function failureOf(code: number, attempt: string, stderr: string): HostError {
  switch (code) {
    case EXISTS: {
      const why = 'it is there already, and the write was to create it';
      return new HostError('already-exists', `Could not ${attempt}: ${why}.`);
    }
    case DIRECTORY:
      return new HostError('is-a-directory', `Could not ${attempt}: it is a folder.`);
    case OTHER: {
      const why = 'it is a device, a pipe or a socket, which may never end';
      return new HostError('unsupported', `Could not ${attempt}: ${why}.`);
    }
    default:
      return shellFailure(attempt, stderr);
  }
}
