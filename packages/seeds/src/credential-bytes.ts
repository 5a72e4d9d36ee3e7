import { HostError, type HostFiles, type HostPath } from '@seedbed/host';
import { MAX_FILE_BYTES } from './seed-archive.ts';
import type { SeedContext } from './seed-context.ts';
import { SeedError } from './seed-error.ts';

/** A file of a login, whole. `undefined` when it is not there. @throws {SeedError} `host-failed`, `too-large`. */
export async function readCredentialFile(
  files: HostFiles,
  path: HostPath,
  options: { readonly signal?: AbortSignal } = {},
): Promise<Uint8Array | undefined> {
  try {
    const stream = await files.readFile(path, { length: MAX_FILE_BYTES + 1, ...options });
    const chunks: Uint8Array[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    if (bytes.byteLength <= MAX_FILE_BYTES) return bytes;
  } catch (cause) {
    if (cause instanceof HostError && cause.code === 'not-found') return undefined;
    throw hostFailure(`read ${path}`, cause);
  }
  throw new SeedError('too-large', `Did not take ${path}: it is longer than ${MAX_FILE_BYTES} bytes.`);
}

/** How long a file that is being written is given to be whole. */
const HALF_WRITTEN_MS = 100;

/** The credential's file of a login that may be in use: one that cannot be read is looked at once more, when whoever was writing it has done so. */
export async function readCredentialInUse(
  { clock, kind }: Pick<SeedContext, 'clock' | 'kind'>,
  files: HostFiles,
  path: HostPath,
): Promise<Uint8Array | undefined> {
  const bytes = await readCredentialFile(files, path);
  if (bytes === undefined || kind.read(bytes).state !== 'unreadable') return bytes;
  await clock.sleep(HALF_WRITTEN_MS);
  return await readCredentialFile(files, path);
}

export function hostFailure(attempt: string, cause: unknown): SeedError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const code = cause instanceof HostError && cause.code === 'aborted' ? 'aborted' : 'host-failed';
  return new SeedError(code, `Could not ${attempt}: ${reason}`, { cause });
}
