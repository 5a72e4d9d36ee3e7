import { HostError, type HostFiles, type HostPath } from '@seedbed/host';
import { MAX_FILE_BYTES } from './seed-archive.ts';
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

export function hostFailure(attempt: string, cause: unknown): SeedError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const code = cause instanceof HostError && cause.code === 'aborted' ? 'aborted' : 'host-failed';
  return new SeedError(code, `Could not ${attempt}: ${reason}`, { cause });
}
