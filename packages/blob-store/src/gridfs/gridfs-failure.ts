import { BlobStoreError } from '../blob-store-error.ts';

/** The driver's errors for a server that was not heard of, by name: the caller's driver may be another copy than this package's. */
const SILENT =
  /^Mongo(Network|NetworkTimeout|ServerSelection|ServerClosed|TopologyClosed|ClientClosed|NotConnected|PoolCleared|PoolClearedOnNetwork|WaitQueueTimeout|OperationTimeout|StaleTopologyVersion)(Error)?$|^PoolCleared/;

/** A client whose first connection fails stays closed until its `connect` is called. */
const CLOSED = /^Mongo(TopologyClosed|ClientClosed|NotConnected)Error$/;

/** Broken sockets, which the driver sometimes passes on as they are. */
const BROKEN =
  /^(ECONNRESET|EPIPE|ECONNREFUSED|ECONNABORTED|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/;

/** A server that answers that it can't at the moment: not the primary, shutting down, interrupted by either, slow to replicate. */
const FOR_NOW = new Set([6, 7, 50, 64, 89, 91, 189, 262, 9001, 10058, 10107, 11600, 11602, 13435, 13436]);
const OUT_OF_DISK = new Set([14031, 12501]);
const DUPLICATE_KEY = 11_000;

/** A failure of the driver in this package's words; what has words already is passed on. Quotes no address with its password. */
export function gridFsFailure(error: unknown, attempt: string): BlobStoreError {
  if (error instanceof BlobStoreError) return error;
  const name = error instanceof Error ? error.name : 'unknown failure';
  const reason = error instanceof Error ? error.message.replaceAll(/\/\/[^/@\s]*@/g, '//') : String(error);
  const code = codeOf(error);
  if (code === DUPLICATE_KEY) return alreadyExists(attempt, error);
  if (SILENT.test(name) || isBrokenSocket(error) || (code !== undefined && FOR_NOW.has(code))) {
    return new BlobStoreError(
      'unavailable',
      `Could not ${attempt}: MongoDB does not answer (${name}: ${reason}). ${CLOSED.test(name) ? 'Its client is closed, or could not connect at first: connect it again.' : 'Try again later.'}`,
      { cause: error },
    );
  }
  if ((code !== undefined && OUT_OF_DISK.has(code)) || /no space left|quota/i.test(reason)) {
    return new BlobStoreError(
      'no-space',
      `Could not ${attempt}: MongoDB's disk or quota is full (${reason}).`,
      {
        cause: error,
      },
    );
  }
  return new BlobStoreError('io', `Could not ${attempt}: ${name}: ${reason}.`, { cause: error });
}

function isBrokenSocket(error: unknown): boolean {
  return error instanceof Error && 'code' in error && BROKEN.test(String(error.code));
}

export function alreadyExists(attempt: string, cause?: unknown): BlobStoreError {
  return new BlobStoreError(
    'already-exists',
    `Could not ${attempt}: there is a blob of that name already; it was left as it is.`,
    { cause },
  );
}

function codeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'number' ? error.code : undefined;
}
