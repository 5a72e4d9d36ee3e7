import type { IssuedTokens } from './token-ledger.ts';

/** The variables by which both versions of Codex are led to another provider than the real one. */
export function oauthEnvironment(issuer: string, by?: string): Readonly<Record<string, string>> {
  const query = by === undefined ? '' : `?${new URLSearchParams({ by })}`;
  return {
    CODEX_REFRESH_TOKEN_URL_OVERRIDE: `${issuer}/oauth/token${query}`,
    CODEX_REVOKE_TOKEN_URL_OVERRIDE: `${issuer}/oauth/revoke${query}`,
    CODEX_APP_SERVER_LOGIN_ISSUER: issuer,
  };
}

/** A provider of one's own that uses ChatGPT logins, and the backend that belongs to them. */
export function chatgptConfig(
  issuer: string,
  providerConfig: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const { model_providers: providers, ...rest } = providerConfig;
  const turned = Object.entries(isRecord(providers) ? providers : {}).map(([name, provider]) => {
    const { env_key: _, ...kept } = isRecord(provider) ? provider : {};
    return [name, { ...kept, base_url: `${issuer}/v1`, requires_openai_auth: true }];
  });
  return {
    ...rest,
    model_providers: Object.fromEntries(turned),
    chatgpt_base_url: `${issuer}/backend-api/`,
    cli_auth_credentials_store: 'file',
  };
}

/** As Codex writes it after a login. */
export function authJsonOf(
  tokens: IssuedTokens,
  { accountId, now }: { readonly accountId: string; readonly now: number },
): string {
  const content = {
    auth_mode: 'chatgpt',
    OPENAI_API_KEY: null,
    tokens: { ...tokens, account_id: accountId },
    last_refresh: new Date(now).toISOString(),
  };
  return JSON.stringify(content, null, 2);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
