import { z } from 'zod';
import { definedMembers } from './defined-members.ts';
import { parseJson } from './json-text.ts';

const authClaims = z.looseObject({
  chatgpt_account_id: z.string().optional().catch(undefined),
  chatgpt_user_id: z.string().optional().catch(undefined),
  user_id: z.string().optional().catch(undefined),
  chatgpt_plan_type: z.string().optional().catch(undefined),
});

const claimsSchema = z.looseObject({
  email: z.string().optional().catch(undefined),
  name: z.string().optional().catch(undefined),
  iat: z.number().optional().catch(undefined),
  exp: z.number().optional().catch(undefined),
  'https://api.openai.com/auth': authClaims.optional().catch(undefined),
  'https://api.openai.com/profile': z
    .looseObject({ email: z.string().optional().catch(undefined) })
    .optional()
    .catch(undefined),
});

/** What a token of the provider says. */
export interface TokenClaims {
  readonly accountId?: string;
  readonly userId?: string;
  readonly plan?: string;
  readonly email?: string;
  readonly name?: string;
  readonly issuedAtMs?: number;
  readonly expiresAtMs?: number;
}

/**
 * The claims of a JWT, believed without a look at its signature: it is the owner's own token, and nothing is allowed because of them.
 * `undefined` when it is no JWT.
 */
export function readTokenClaims(token: string): TokenClaims | undefined {
  const [, payload, signature] = token.split('.');
  if (payload === undefined || signature === undefined) return undefined;
  const parsed = claimsSchema.safeParse(parseJson(Buffer.from(payload, 'base64url').toString('utf8')));
  if (!parsed.success) return undefined;
  const { email, exp, iat, name } = parsed.data;
  const auth = parsed.data['https://api.openai.com/auth'];
  return definedMembers({
    accountId: auth?.chatgpt_account_id,
    userId: auth?.chatgpt_user_id ?? auth?.user_id,
    plan: auth?.chatgpt_plan_type,
    email: email ?? parsed.data['https://api.openai.com/profile']?.email,
    name,
    issuedAtMs: iat === undefined ? undefined : iat * 1000,
    expiresAtMs: exp === undefined ? undefined : exp * 1000,
  });
}
