import type { HostTokens } from '../app-server/server-requests/server-request.ts';
import { parseAuthJson } from './codex-auth-json.ts';
import { readTokenClaims } from './token-claims.ts';

/**
 * Experimental. What Codex is lent of a login that stays with this program: its access token, never the refresh token.
 * `undefined` for an API key, and where the tokens do not say whose they are.
 */
export function hostTokensOf(authJson: string | Uint8Array): HostTokens | undefined {
  const login = parseAuthJson(authJson);
  if (login.kind !== 'chatgpt') return undefined;
  const { access_token: accessToken, account_id: accountId, id_token: idToken } = login.tokens;
  const claims = readTokenClaims(accessToken);
  const account = accountId ?? claims?.accountId;
  const plan = claims?.plan ?? readTokenClaims(idToken)?.plan;
  if (account === undefined) return undefined;
  return { accessToken, account, ...(plan === undefined ? {} : { plan }) };
}

/** Experimental. The params of `account/login/start` that lend it; nothing of it is written to auth.json. */
export function lendParams(tokens: HostTokens): Readonly<Record<string, unknown>> {
  const { accessToken, account, plan } = tokens;
  return {
    type: 'chatgptAuthTokens',
    accessToken,
    chatgptAccountId: account,
    chatgptPlanType: plan ?? null,
  };
}
