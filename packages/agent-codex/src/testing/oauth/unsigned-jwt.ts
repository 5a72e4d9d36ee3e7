import type { OAuthAccount } from './oauth-account.ts';

/** Claims as a token that nobody signed (`alg: none`): Codex reads its claims and checks no signature. */
export function unsignedJwt(claims: Readonly<Record<string, unknown>>): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none', typ: 'JWT' })}.${part(claims)}.${Buffer.from('unsigned').toString('base64url')}`;
}

export interface TokenLife {
  readonly issuer: string;
  readonly clientId: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  /** Makes the token one of its own. */
  readonly jti: string;
}

/** The claims from which Codex takes who is logged in: name and e-mail at the top, the rest under OpenAI's names. */
export function idTokenClaims(account: OAuthAccount, life: TokenLife): Readonly<Record<string, unknown>> {
  return {
    ...commonClaims(account, life),
    aud: [life.clientId],
    email: account.email ?? `${account.id}@example.com`,
    email_verified: true,
    name: account.name ?? account.id,
  };
}

export function accessTokenClaims(account: OAuthAccount, life: TokenLife): Readonly<Record<string, unknown>> {
  const email = account.email ?? `${account.id}@example.com`;
  return {
    ...commonClaims(account, life),
    aud: ['https://api.openai.com/v1'],
    client_id: life.clientId,
    scp: ['openid', 'profile', 'email', 'offline_access'],
    'https://api.openai.com/profile': { email, email_verified: true },
  };
}

function commonClaims(account: OAuthAccount, life: TokenLife): Readonly<Record<string, unknown>> {
  return {
    iss: life.issuer,
    sub: `test|${account.id}`,
    jti: life.jti,
    iat: Math.floor(life.issuedAtMs / 1000),
    exp: Math.floor(life.expiresAtMs / 1000),
    'https://api.openai.com/auth': {
      chatgpt_account_id: account.id,
      chatgpt_plan_type: account.plan ?? 'pro',
      chatgpt_user_id: `user-${account.id}`,
      user_id: `user-${account.id}`,
    },
  };
}
