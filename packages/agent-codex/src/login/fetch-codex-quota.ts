import type { Quota } from '@seedbed/seeds';
import { parseAuthJson } from './codex-auth-json.ts';
import { readCodexUsage } from './codex-quota.ts';
import { parseJson } from './json-text.ts';
import { askProvider, type ProviderRequestOptions, requireSafeUrl } from './provider-request.ts';

const CHATGPT_BACKEND_URL = 'https://chatgpt.com/backend-api/';

export interface FetchQuotaOptions extends ProviderRequestOptions {
  /** The `chatgpt_base_url` of the login. Default: the real one. Must be https, or on loopback. */
  readonly backendUrl?: string;
  /** For tests. */
  readonly now?: () => number;
}

/**
 * What a login has left, or why that is not known. `unauthorized` says nothing of the login: its access token has run out, and a refresh gives another.
 * `no-quota`: an API key, or no login.
 */
export type QuotaResult =
  | { readonly outcome: 'known'; readonly quota: Quota }
  | { readonly outcome: 'no-quota' | 'unauthorized' }
  | { readonly outcome: 'unknown'; readonly why: string };

/**
 * Asks the provider what a login has left, with its access token: no Codex, no host, nothing is spent.
 * @throws {AgentCodexError} `invalid-config` when `backendUrl` would send a token in clear over a network.
 */
export async function fetchCodexQuota(
  authJson: string | Uint8Array,
  options: FetchQuotaOptions = {},
): Promise<QuotaResult> {
  const backendUrl = options.backendUrl ?? CHATGPT_BACKEND_URL;
  requireSafeUrl(backendUrl, 'backendUrl');
  const login = parseAuthJson(authJson);
  if (login.kind !== 'chatgpt') return { outcome: 'no-quota' };
  const { access_token: token, account_id: account } = login.tokens;
  const headers = {
    authorization: `Bearer ${token}`,
    accept: 'application/json',
    ...(account == null ? {} : { 'chatgpt-account-id': account }),
  };
  const address = `${backendUrl.replace(/\/*$/, '')}/wham/usage`;
  const answer = await askProvider(address, { method: 'GET', headers }, options);
  if ('missing' in answer) return { outcome: 'unknown', why: `${answer.missing}: ${answer.detail}` };
  if (answer.status === 401) return { outcome: 'unauthorized' };
  if (answer.status !== 200) return { outcome: 'unknown', why: `status ${answer.status}` };
  const quota = readCodexUsage(parseJson(answer.body), (options.now ?? Date.now)());
  return quota === undefined
    ? { outcome: 'unknown', why: 'status 200 without windows' }
    : { outcome: 'known', quota };
}
