import { randomBytes } from 'node:crypto';
import { backendAnswer } from './backend-endpoints.ts';
import { devicePage } from './device-page.ts';
import { challengeOf, type LoginCodes } from './login-codes.ts';
import { findAccount, type OAuthAccount } from './oauth-account.ts';
import type { ReadRequest } from './oauth-request.ts';
import type { IssuedTokens, RefreshRefusal, TokenLedger } from './token-ledger.ts';

export interface EndpointAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** What the endpoints share. */
export interface OAuthDesk {
  readonly issuer: string;
  readonly accounts: readonly OAuthAccount[];
  readonly ledger: TokenLedger;
  readonly codes: LoginCodes;
  /** Who approves devices as soon as they ask; undefined where somebody must. */
  readonly approver: OAuthAccount | undefined;
  /** How a refusal is said: in OpenAI's way, or in that of RFC 6749. */
  readonly refusals: 'openai' | 'rfc6749';
  readonly accessTokenMs: number;
  readonly now: () => number;
}

/** Answers whatever Codex asks while it logs in, refreshes, logs out, and looks after its account. */
export function answerOAuth(request: ReadRequest, desk: OAuthDesk): EndpointAnswer {
  const { method, path } = request;
  if (method === 'POST' && path === '/oauth/token') return token(request, desk);
  if (method === 'POST' && path === '/oauth/revoke') return revoke(request, desk);
  if (method === 'GET' && path === '/oauth/authorize') return authorize(request, desk);
  if (method === 'POST' && path === '/api/accounts/deviceauth/usercode') return openDevice(desk);
  if (method === 'POST' && path === '/api/accounts/deviceauth/token') return pollDevice(request, desk);
  if (path === '/codex/device') return devicePage(request, desk);
  return backendAnswer(request, desk);
}

function token(request: ReadRequest, desk: OAuthDesk): EndpointAnswer {
  const { fields, by } = request;
  switch (fields['grant_type']) {
    case 'refresh_token': {
      const result = desk.ledger.refresh(fields['refresh_token'] ?? '', by);
      return 'tokens' in result ? granted(result.tokens, desk) : refusal(result.refused, desk);
    }
    case 'authorization_code': {
      const account = desk.codes.redeem(fields['code'] ?? '', fields['code_verifier']);
      return account === undefined
        ? refusal('invalid_grant', desk)
        : granted(desk.ledger.logIn(account), desk);
    }
    default:
      return { status: 400, body: { error: 'unsupported_grant_type' } };
  }
}

function granted(tokens: IssuedTokens, { accessTokenMs }: OAuthDesk): EndpointAnswer {
  const expiresIn = Math.floor(accessTokenMs / 1000);
  return {
    status: 200,
    body: { ...tokens, token_type: 'Bearer', expires_in: expiresIn, scope: 'openid profile email' },
  };
}

const wordsOf: Readonly<Record<RefreshRefusal, string>> = {
  refresh_token_reused: 'Your refresh token has already been used to generate a new access token.',
  refresh_token_expired: 'Your refresh token has expired.',
  refresh_token_invalidated: 'Your refresh token has been invalidated.',
  invalid_grant: 'The grant is not valid.',
};

function refusal(code: RefreshRefusal, { refusals }: OAuthDesk): EndpointAnswer {
  const message = wordsOf[code];
  return refusals === 'openai'
    ? { status: 401, body: { error: { message, type: 'invalid_request_error', param: null, code } } }
    : { status: 400, body: { error: 'invalid_grant', error_description: `${code}: ${message}` } };
}

function revoke({ fields }: ReadRequest, desk: OAuthDesk): EndpointAnswer {
  desk.ledger.revoke({ token: fields['token'] ?? '' });
  return { status: 200, body: {} };
}

/** A browser would ask somebody; here the account of `login_hint`, or the first, agrees at once. */
function authorize({ query }: ReadRequest, desk: OAuthDesk): EndpointAnswer {
  const redirect = query.get('redirect_uri');
  if (redirect === null) return { status: 400, body: { error: 'invalid_request' } };
  const account = findAccount(desk.accounts, query.get('login_hint') ?? undefined);
  const location = new URL(redirect);
  const challenge = query.get('code_challenge') ?? undefined;
  location.searchParams.set('code', desk.codes.authorize(account, challenge));
  location.searchParams.set('state', query.get('state') ?? '');
  return { status: 302, headers: { location: location.href }, body: '' };
}

function openDevice({ approver, codes, now }: OAuthDesk): EndpointAnswer {
  const { id, userCode } = codes.openDevice();
  if (approver !== undefined) codes.approve(userCode, approver);
  const expiresAt = new Date(now() + 900_000).toISOString();
  // Codex takes the interval as text.
  const body = { device_auth_id: id, user_code: userCode, interval: '1', expires_at: expiresAt };
  return { status: 200, body };
}

function pollDevice({ fields }: ReadRequest, { codes }: OAuthDesk): EndpointAnswer {
  const account = codes.takeApproval(fields['device_auth_id'] ?? '', fields['user_code'] ?? '');
  // 403 means to Codex that it should ask again.
  if (account === undefined) return { status: 403, body: { error: { code: 'authorization_pending' } } };
  const verifier = randomBytes(32).toString('base64url');
  const challenge = challengeOf(verifier);
  return {
    status: 200,
    body: {
      authorization_code: codes.authorize(account, challenge),
      code_challenge: challenge,
      code_verifier: verifier,
    },
  };
}
