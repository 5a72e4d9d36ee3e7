import { BinaryCacheError } from '../binary-cache-error.ts';

interface FailureContext {
  /** What was asked for: an npm spec. */
  readonly spec: string;
  /** Which npm setting led there; see `NpmConfig.describeRegistry`. */
  readonly registry: string;
}

const missing = new Set(['E404', 'ETARGET', 'ENOVERSIONS']);
const local = new Set([
  'ENOSPC',
  'EDQUOT',
  'EFBIG',
  'EACCES',
  'EROFS',
  'EPERM',
  'ENOENT',
  'EISDIR',
  'ENOTDIR',
]);
const certificate = /CERT|SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY)|ERR_TLS/;

/** Turns what npm's libraries throw into an error of ours. Addresses, headers and credentials stay behind. */
export function registryFailure(error: unknown, { spec, registry }: FailureContext): BinaryCacheError {
  if (error instanceof BinaryCacheError) return error;
  const code = errorCode(error);
  // The original may carry request headers and addresses with passwords, so that only its name and code go along.
  const cause = code === 'UNKNOWN' ? error : Object.assign(new Error(code), { code });
  if (missing.has(code)) {
    return new BinaryCacheError('not-in-registry', `${spec} is not in the registry of ${registry}.`, {
      cause,
    });
  }
  if (code === 'EINTEGRITY') {
    return new BinaryCacheError(
      'integrity-mismatch',
      `The registry of ${registry} has another ${spec} than the one that is pinned here. Nothing was installed.`,
      { cause },
    );
  }
  return new BinaryCacheError(
    'download-failed',
    `${spec} could not be fetched: ${explain(code)} (${code}). The address comes from ${registry}.`,
    { cause },
  );
}

/** Whether the same request may well succeed a little later. */
export function isPassing(error: unknown): boolean {
  const code = errorCode(error);
  if (error instanceof BinaryCacheError || certificate.test(code)) return false;
  const status = /^E(\d{3})$/.exec(code)?.[1];
  if (status !== undefined) return status === '408' || status === '429' || status.startsWith('5');
  return !missing.has(code) && !local.has(code) && code !== 'EINTEGRITY' && code !== 'EUNSUPPORTEDPROTOCOL';
}

function explain(code: string): string {
  if (code === 'E401' || code === 'E403')
    return 'the registry wants other credentials; see `npm login` and `_authToken`';
  if (certificate.test(code)) return 'its certificate is not trusted; see npm’s setting `cafile`';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'its host name is not known here';
  if (code === 'ECONNREFUSED') return 'nothing answers there';
  if (/^E5\d\d$/.test(code)) return 'the registry itself failed';
  if (/TIMEDOUT|TIMEOUT/.test(code))
    return 'it did not answer in time; see npm’s settings `fetch-timeout` and `proxy`';
  if (code === 'ERR_INVALID_JSON')
    return 'the answer is not what a registry sends, perhaps the page of a proxy or login portal';
  return 'the connection failed';
}

function errorCode(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'UNKNOWN';
  if ('type' in error && error.type === 'invalid-json') return 'ERR_INVALID_JSON';
  return 'code' in error && typeof error.code === 'string' ? error.code : 'UNKNOWN';
}
