import { z } from 'zod';
import { RotatingOAuthError } from './rotating-oauth-error.ts';

/** Who logs in at a rotating OAuth server. */
export interface OAuthAccount {
  /** The `chatgpt_account_id` of its tokens. */
  readonly id: string;
  /** Default `<id>@example.com`. */
  readonly email?: string;
  /** Default: the id. */
  readonly name?: string;
  /** A plan that Codex knows. Default `pro`. */
  readonly plan?: string;
  /** What it has used of its windows of five hours and of a week, in per cent. Default 0. */
  readonly usedPercent?: { readonly primary?: number; readonly secondary?: number };
}

export const oauthAccountSchema: z.ZodType<OAuthAccount> = z.strictObject({
  id: z.string().min(1),
  email: z.string().exactOptional(),
  name: z.string().exactOptional(),
  plan: z.string().exactOptional(),
  usedPercent: z
    .strictObject({ primary: z.number().exactOptional(), secondary: z.number().exactOptional() })
    .exactOptional(),
});

export const defaultAccounts: readonly OAuthAccount[] = [
  { id: 'account-1', email: 'ada@example.com', name: 'Ada' },
];

/** The account of this id; without one the first. */
export function findAccount(accounts: readonly OAuthAccount[], id?: string): OAuthAccount {
  const account = id === undefined ? accounts[0] : accounts.find((each) => each.id === id);
  if (account !== undefined) return account;
  const known = accounts.map((each) => JSON.stringify(each.id)).join(', ') || 'none';
  throw new RotatingOAuthError(
    'no-such-account',
    `There is no account ${JSON.stringify(id ?? '')} at this OAuth server. It has: ${known}.`,
  );
}
