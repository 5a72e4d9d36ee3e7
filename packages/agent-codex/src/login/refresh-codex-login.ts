import { z } from 'zod';
import { AgentCodexError } from '../agent-codex-error.ts';
import { type ChatgptTokens, parseAuthJson } from './codex-auth-json.ts';
import { askProvider, type ProviderRequestOptions, requireSafeUrl } from './provider-request.ts';
import { type InvalidGrant, readTokenAnswer, type UnansweredRefresh } from './token-answer.ts';

/** Where Codex itself refreshes. */
const CODEX_TOKEN_URL = 'https://auth.openai.com/oauth/token';

/** Codex's own client, which is public. */
const CODEX_CLIENT_ID = 'app_EMoamEEZ73f0CkXaXp7hrann';

export interface RefreshLoginOptions extends ProviderRequestOptions {
  /** Default: the real one. Must be https, or on loopback. */
  readonly tokenUrl?: string;
  /** For tests. */
  readonly now?: () => number;
}

/**
 * What came of a refresh.
 *
 * - `refreshed`: the old refresh token is spent, `authJson` holds its successor and whatever else the file held. Save it before anything else.
 * - `not-needed`: an API key, which is never refreshed.
 * - `invalid-grant`: the provider says that this login is over.
 * - `unknown`: nothing is known of the login. `mayBeSpent`: the request may have been served, so that its answer, with the successor, may be lost.
 */
export type RefreshResult =
  | { readonly outcome: 'refreshed'; readonly authJson: string }
  | { readonly outcome: 'not-needed' }
  | InvalidGrant
  | UnansweredRefresh;

/**
 * Spends the refresh token of an auth.json for its successor, as Codex does it: no Codex, no host, no turn. Asks once and never again by itself,
 * because a token that comes twice can end the login. Whoever calls it must be the only one who uses the login meanwhile.
 *
 * @throws {AgentCodexError} `invalid-config` when `authJson` holds no login, or `tokenUrl` would send a token in clear over a network. No message quotes a token.
 */
export async function refreshCodexLogin(
  authJson: string | Uint8Array,
  options: RefreshLoginOptions = {},
): Promise<RefreshResult> {
  const tokenUrl = options.tokenUrl ?? CODEX_TOKEN_URL;
  requireSafeUrl(tokenUrl, 'tokenUrl');
  const login = parseAuthJson(authJson);
  if (login.kind === 'api-key') return { outcome: 'not-needed' };
  if (login.kind !== 'chatgpt') {
    const why = login.kind === 'unreadable' ? `it cannot be read: ${login.reason}` : 'nobody is logged in';
    throw new AgentCodexError('invalid-config', `Did not refresh the login of an auth.json: ${why}.`);
  }
  const { content, tokens } = login;
  const answer = await askProvider(tokenUrl, tokenRequest(tokens), options);
  const read = readTokenAnswer(answer, tokens);
  if (read.outcome !== 'granted') return read;
  const merged = {
    ...content,
    tokens: { ...tokens, ...read.tokens },
    last_refresh: new Date((options.now ?? Date.now)()).toISOString(),
  };
  return { outcome: 'refreshed', authJson: JSON.stringify(merged, null, 2) };
}

function tokenRequest(tokens: ChatgptTokens): Pick<RequestInit, 'method' | 'headers' | 'body'> {
  const body = {
    client_id: clientOf(tokens),
    grant_type: 'refresh_token',
    refresh_token: tokens.refresh_token,
  };
  const headers = { 'content-type': 'application/json', accept: 'application/json' };
  return { method: 'POST', headers, body: JSON.stringify(body) };
}

/** The refresh token belongs to the client that it was given to. */
function clientOf({ oauth_provenance: provenance }: ChatgptTokens): string {
  const parsed = z.looseObject({ client_id: z.string().min(1) }).safeParse(provenance);
  return parsed.success ? parsed.data.client_id : CODEX_CLIENT_ID;
}
