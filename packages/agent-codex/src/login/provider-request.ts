import { AgentCodexError } from '../agent-codex-error.ts';

/** How a request to the provider is made. */
export interface ProviderRequestOptions {
  /** Default: Node's own. */
  readonly fetch?: typeof globalThis.fetch;
  /** Default 30,000. An answer that comes later is not seen: where it would have held a token, that token is lost. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** A whole answer, or why there is none. */
export type ProviderAnswer =
  | { readonly status: number; readonly headers: Headers; readonly body: string }
  | {
      readonly missing: 'not-reached' | 'broke-off' | 'timed-out' | 'aborted' | 'too-large' | 'redirected';
      /** For people; nothing of what was sent. */
      readonly detail: string;
    };

const DEFAULT_TIMEOUT_MS = 30_000;
const MAX_ANSWER_BYTES = 256 * 1024;

/** Errors of a connection that was never made: nobody has seen the request. */
const NOT_REACHED =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH|UND_ERR_CONNECT_TIMEOUT|CERT_|ERR_TLS_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

/** Asks, and reads no more than 256 KiB of what comes. Follows no redirect. Never rejects. */
export async function askProvider(
  url: string,
  init: Pick<RequestInit, 'method' | 'headers' | 'body'>,
  options: ProviderRequestOptions,
): Promise<ProviderAnswer> {
  const { fetch = globalThis.fetch, signal: given, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const deadline = AbortSignal.timeout(timeoutMs);
  const signal = given === undefined ? deadline : AbortSignal.any([deadline, given]);
  try {
    const response = await fetch(url, { ...init, redirect: 'manual', signal });
    const { headers, status } = response;
    if (response.type === 'opaqueredirect' || (status >= 300 && status < 400)) {
      await response.body?.cancel();
      return { missing: 'redirected', detail: 'it sends elsewhere' };
    }
    const body = await readBounded(response);
    return body === undefined
      ? { missing: 'too-large', detail: `it answers more than ${MAX_ANSWER_BYTES} bytes` }
      : { status, headers, body };
  } catch (cause) {
    if (given?.aborted) return { missing: 'aborted', detail: 'the caller gave up' };
    if (deadline.aborted) return { missing: 'timed-out', detail: `no answer within ${timeoutMs} ms` };
    const code = errorCode(cause);
    const missing = NOT_REACHED.test(code) ? 'not-reached' : 'broke-off';
    return { missing, detail: code === '' ? 'the connection failed' : `the connection failed: ${code}` };
  }
}

/** @throws {AgentCodexError} `invalid-config`. */
export function requireSafeUrl(url: string, name: string): void {
  const { hostname, protocol } = URL.parse(url) ?? { hostname: '', protocol: '' };
  const isLoopback = hostname === '[::1]' || hostname === 'localhost' || /^127\.[\d.]+$/.test(hostname);
  if (protocol === 'https:' || (protocol === 'http:' && isLoopback)) return;
  throw new AgentCodexError(
    'invalid-config',
    `${name} must be an https address, or http on this machine's loopback: a token is sent there.`,
  );
}

async function readBounded(response: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop cancels what is still to come.
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_ANSWER_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The code alone: a message of an unknown fetch could quote what was sent. */
function errorCode(cause: unknown): string {
  if (typeof cause !== 'object' || cause === null) return '';
  if ('code' in cause && typeof cause.code === 'string') return cause.code;
  return 'cause' in cause ? errorCode(cause.cause) : '';
}
