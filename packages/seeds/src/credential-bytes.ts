import { HostError, type HostFiles, type HostPath, hostPath } from '@seedbed/host';
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

type ReadingContext = Pick<SeedContext, 'clock' | 'kind'>;

/** How long a file that is being written is given to be whole. */
const HALF_WRITTEN_MS = 100;

/** The file of a credential, as it was read. */
export interface FoundFile {
  readonly bytes: Uint8Array;
  /** Whether these very bytes are still there, and nothing newer of the same agent is. */
  readonly isStillThere: () => Promise<boolean>;
}

/** Where a planted credential is. */
export interface CredentialPlace {
  readonly files: HostFiles;
  readonly path: HostPath;
}

/** What the next holder of a seed renames a late one's file to, until it is saved. */
export function takenPath(path: HostPath): HostPath {
  return hostPath(`${path}.seedbed-collected`);
}

/** A credential where it was planted, or where the next holder of its seed has taken it. @throws {SeedError} `host-failed`, `too-large`. */
export async function findCredential(
  context: ReadingContext,
  place: CredentialPlace,
): Promise<FoundFile | undefined> {
  return (await readPlantedFile(context, place)) ?? (await readTakenFile(context, place));
}

export async function readPlantedFile(
  context: ReadingContext,
  { files, path }: CredentialPlace,
): Promise<FoundFile | undefined> {
  const bytes = await readCredentialInUse(context, files, path);
  return bytes && { bytes, isStillThere: () => holdsBytes(files, path, bytes) };
}

export async function readTakenFile(
  context: ReadingContext,
  { files, path }: CredentialPlace,
): Promise<FoundFile | undefined> {
  const taken = takenPath(path);
  const bytes = await readCredentialInUse(context, files, taken);
  // What has been written where it was taken from is newer.
  const isStillThere = async (): Promise<boolean> =>
    bytes !== undefined && (await holdsBytes(files, taken, bytes)) && (await files.stat(path)) === undefined;
  return bytes && { bytes, isStillThere };
}

async function holdsBytes(files: HostFiles, path: HostPath, bytes: Uint8Array): Promise<boolean> {
  const present = await readCredentialFile(files, path);
  return present !== undefined && Buffer.compare(present, bytes) === 0;
}

/** The credential's file of a login that may be in use: one that cannot be read is looked at once more, when whoever was writing it has done so. */
async function readCredentialInUse(
  { clock, kind }: ReadingContext,
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
