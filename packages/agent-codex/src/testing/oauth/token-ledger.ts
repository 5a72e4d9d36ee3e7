import { createHash, randomBytes } from 'node:crypto';
import type { OAuthAccount } from './oauth-account.ts';
import { accessTokenClaims, idTokenClaims, unsignedJwt } from './unsigned-jwt.ts';

/** Why a refresh token is refused, in the provider's words. */
export type RefreshRefusal =
  | 'refresh_token_reused'
  | 'refresh_token_expired'
  | 'refresh_token_invalidated'
  | 'invalid_grant';

export interface TokenLifetimes {
  /** Default one hour. A negative one makes tokens that have expired already. */
  readonly accessTokenMs?: number;
  /** Default ten days. */
  readonly refreshTokenMs?: number;
}

export interface IssuedTokens {
  readonly id_token: string;
  readonly access_token: string;
  readonly refresh_token: string;
}

/** One time that a refresh token was shown to the server. */
export interface Presentation {
  readonly atMs: number;
  /** The `by` of the address that was asked, else the client's user agent. */
  readonly by: string;
  readonly outcome: 'spent' | RefreshRefusal;
}

/** The story of one refresh token. The token itself is nowhere in it. */
export interface RefreshTokenRecord {
  /** Of the token: the first 16 hex digits of its sha256. */
  readonly fingerprint: string;
  readonly accountId: string;
  /** All tokens that descend from one login. */
  readonly family: number;
  /** 0 is what the login gave. */
  readonly generation: number;
  readonly issuedAtMs: number;
  readonly presentations: readonly Presentation[];
  /** `live`: the one that its login's owner must have. */
  readonly state: 'live' | 'spent' | 'revoked';
}

interface Family {
  readonly number: number;
  readonly account: OAuthAccount;
  revoked: boolean;
}

interface RefreshToken extends Omit<RefreshTokenRecord, 'state'> {
  readonly owner: Family;
  readonly expiresAtMs: number;
  readonly presentations: Presentation[];
  spent: boolean;
}

/** Who holds which token, and which of them were used. */
export interface TokenLedger {
  /** A new login: a family of its own. */
  logIn(account: OAuthAccount, lifetimes?: TokenLifetimes): IssuedTokens;
  /** Spends a refresh token. A second time revokes its whole family, unless reuse is only refused. */
  refresh(
    token: string,
    by: string,
  ): { readonly tokens: IssuedTokens } | { readonly refused: RefreshRefusal };
  /** Whose this access token is; nobody's when it is unknown, expired, or its family revoked. */
  accessOf(token: string): OAuthAccount | undefined;
  /** From now on the access tokens of the account are refused, whatever they say of their time. Its refresh tokens are as good as before. */
  expireAccess(accountId: string): void;
  /** Ends every login of the account, or the one that the token belongs to. */
  revoke(which: { readonly accountId: string } | { readonly token: string }): void;
  records(): readonly RefreshTokenRecord[];
}

export interface LedgerOptions extends TokenLifetimes {
  readonly issuer: string;
  readonly clientId: string;
  readonly onReuse: 'revoke-family' | 'refuse';
  readonly now: () => number;
}

export function fingerprintOf(token: string): string {
  return createHash('sha256').update(token).digest('hex').slice(0, 16);
}

const hour = 3_600_000;

export function createTokenLedger(options: LedgerOptions): TokenLedger {
  const refreshTokens = new Map<string, RefreshToken>();
  const accessTokens = new Map<string, { readonly owner: Family; readonly expiresAtMs: number }>();
  const families: Family[] = [];

  function issue(owner: Family, generation: number, lifetimes: TokenLifetimes = {}): IssuedTokens {
    const { accessTokenMs = hour, refreshTokenMs = 240 * hour } = { ...options, ...lifetimes };
    const issuedAtMs = options.now();
    const expiresAtMs = issuedAtMs + accessTokenMs;
    const life = { issuer: options.issuer, clientId: options.clientId, issuedAtMs };
    const jti = randomBytes(9).toString('base64url');
    const tokens: IssuedTokens = {
      id_token: unsignedJwt(idTokenClaims(owner.account, { ...life, jti, expiresAtMs: issuedAtMs + hour })),
      access_token: unsignedJwt(accessTokenClaims(owner.account, { ...life, jti, expiresAtMs })),
      refresh_token: `rt_${randomBytes(24).toString('base64url')}`,
    };
    accessTokens.set(tokens.access_token, { owner, expiresAtMs });
    refreshTokens.set(tokens.refresh_token, {
      fingerprint: fingerprintOf(tokens.refresh_token),
      accountId: owner.account.id,
      family: owner.number,
      generation,
      issuedAtMs,
      owner,
      expiresAtMs: issuedAtMs + refreshTokenMs,
      presentations: [],
      spent: false,
    });
    return tokens;
  }

  function refusalOf(token: RefreshToken): RefreshRefusal | undefined {
    if (token.spent) return 'refresh_token_reused';
    if (token.owner.revoked) return 'refresh_token_invalidated';
    return token.expiresAtMs <= options.now() ? 'refresh_token_expired' : undefined;
  }

  return {
    logIn(account, lifetimes) {
      const family: Family = { number: families.length, account, revoked: false };
      families.push(family);
      return issue(family, 0, lifetimes);
    },
    refresh(presented, by) {
      const token = refreshTokens.get(presented);
      if (token === undefined) return { refused: 'invalid_grant' };
      const refused = refusalOf(token);
      token.presentations.push({ atMs: options.now(), by, outcome: refused ?? 'spent' });
      if (refused === undefined) {
        token.spent = true;
        return { tokens: issue(token.owner, token.generation + 1) };
      }
      if (refused === 'refresh_token_reused' && options.onReuse === 'revoke-family')
        token.owner.revoked = true;
      return { refused };
    },
    accessOf(token) {
      const found = accessTokens.get(token);
      const isGood = found !== undefined && !found.owner.revoked && found.expiresAtMs > options.now();
      return isGood ? found.owner.account : undefined;
    },
    expireAccess(accountId) {
      for (const [token, { owner }] of accessTokens)
        if (owner.account.id === accountId) accessTokens.delete(token);
    },
    revoke(which) {
      for (const family of families) {
        const isMeant =
          'accountId' in which
            ? family.account.id === which.accountId
            : refreshTokens.get(which.token)?.owner === family ||
              accessTokens.get(which.token)?.owner === family;
        if (isMeant) family.revoked = true;
      }
    },
    records: () =>
      [...refreshTokens.values()].map(({ owner, spent, expiresAtMs: _, ...record }) => ({
        ...record,
        presentations: [...record.presentations],
        state: spent ? 'spent' : owner.revoked ? 'revoked' : 'live',
      })),
  };
}
