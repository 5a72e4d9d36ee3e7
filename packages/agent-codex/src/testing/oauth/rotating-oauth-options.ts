import { z } from 'zod';
import { type OAuthAccount, oauthAccountSchema } from './oauth-account.ts';
import { RotatingOAuthError } from './rotating-oauth-error.ts';
import type { TokenLifetimes } from './token-ledger.ts';

export interface RotatingOAuthOptions extends TokenLifetimes {
  /** Default: one, `account-1`. */
  readonly accounts?: readonly OAuthAccount[];
  /** What a refresh token that is shown again does: ends its whole login, as the real provider does it, or is merely refused. Default `revoke-family`. */
  readonly onReuse?: 'revoke-family' | 'refuse';
  /** How a refusal is said: 401 with OpenAI's codes, or RFC 6749's 400 `invalid_grant`. Default `openai`. */
  readonly refusals?: 'openai' | 'rfc6749';
  /** Who approves devices at once, by account id; `nobody`: a test does it. Default: the first account. */
  readonly approveDevices?: string;
  /** The `url` of a scripted model. What is asked below `modelUrl` is handed on to it, for good access tokens only. */
  readonly model?: string;
  /** Default 0: any free one. */
  readonly port?: number;
}

const optionsSchema: z.ZodType<RotatingOAuthOptions> = z.strictObject({
  accounts: z.array(oauthAccountSchema).min(1).exactOptional(),
  accessTokenMs: z.int().exactOptional(),
  refreshTokenMs: z.int().exactOptional(),
  onReuse: z.enum(['revoke-family', 'refuse']).exactOptional(),
  refusals: z.enum(['openai', 'rfc6749']).exactOptional(),
  approveDevices: z.string().exactOptional(),
  model: z.url().exactOptional(),
  port: z.int().min(0).max(65_535).exactOptional(),
});

/** @throws {RotatingOAuthError} `invalid-options`. */
export function parseRotatingOAuthOptions(raw: unknown): RotatingOAuthOptions {
  return parseWith(optionsSchema, raw, 'The options of a rotating OAuth server');
}

/** @throws {RotatingOAuthError} `invalid-options`, whose message begins with what was read. */
export function parseWith<T>(schema: z.ZodType<T>, raw: unknown, what: string): T {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  throw new RotatingOAuthError('invalid-options', `${what} cannot be read: ${z.prettifyError(parsed.error)}`);
}
