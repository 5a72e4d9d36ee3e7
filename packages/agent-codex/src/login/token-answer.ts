import { z } from 'zod';
import type { ChatgptTokens } from './codex-auth-json.ts';
import { definedMembers } from './defined-members.ts';
import { parseJson } from './json-text.ts';
import type { ProviderAnswer } from './provider-request.ts';
import { readTokenClaims } from './token-claims.ts';

interface GrantedTokens {
  readonly access_token: string;
  readonly id_token?: string;
  readonly refresh_token?: string;
}

/** Why the provider refuses the refresh token for good. `other`: it said `invalid_grant` and no more. */
export type InvalidGrantReason = 'reused' | 'expired' | 'invalidated' | 'other';

/** The provider says that the login is over. */
export interface InvalidGrant {
  readonly outcome: 'invalid-grant';
  readonly reason: InvalidGrantReason;
}

/** Nothing is known of the login. */
export interface UnansweredRefresh {
  readonly outcome: 'unknown';
  readonly why: string;
  /** The request may have been served, so that its answer, with the successor, may be lost. */
  readonly mayBeSpent: boolean;
  /** When the provider wants to be asked again, in milliseconds. */
  readonly retryAfterMs?: number;
}

type TokenAnswer =
  | { readonly outcome: 'granted'; readonly tokens: GrantedTokens }
  | InvalidGrant
  | UnansweredRefresh;

const optionalToken = z.string().min(1).optional().catch(undefined);

/** As little as makes it unmistakable: an answer that is thrown away is a login that is lost. */
const grantSchema = z.object({
  access_token: z.string().min(1),
  id_token: optionalToken,
  refresh_token: optionalToken,
});

/** What the token endpoint's answer to a refresh means. Only its own words end a login: any proxy can say 401. */
export function readTokenAnswer(answer: ProviderAnswer, sent: ChatgptTokens): TokenAnswer {
  if ('missing' in answer) {
    const mayBeSpent = answer.missing !== 'not-reached' && answer.missing !== 'redirected';
    return { outcome: 'unknown', why: `${answer.missing}: ${answer.detail}`, mayBeSpent };
  }
  const { body, headers, status } = answer;
  const isJson = /^application\/([a-z.-]+\+)?json\b/i.test(headers.get('content-type') ?? '');
  const content = isJson ? parseJson(body) : undefined;
  if (status !== 200) return readRefusal(status, content, headers);
  const granted = grantSchema.safeParse(content);
  if (!granted.success)
    return {
      outcome: 'unknown',
      why: isJson
        ? 'status 200 without the tokens that belong there'
        : 'status 200 and no JSON: this is not the provider',
      mayBeSpent: isJson,
    };
  if (isOfAnother(granted.data, sent))
    return { outcome: 'unknown', why: 'tokens of another account came back', mayBeSpent: true };
  return { outcome: 'granted', tokens: definedMembers(granted.data) };
}

/** An answer to our token is ours: only of somebody else's account, and nobody known to be the same person in it, it is not. */
function isOfAnother({ access_token, id_token }: z.infer<typeof grantSchema>, sent: ChatgptTokens): boolean {
  const { accountId, userId } = readTokenClaims(access_token) ?? {};
  if (accountId === undefined || sent.account_id == null || accountId === sent.account_id) return false;
  const user = userId ?? userOf(id_token);
  return user === undefined || user !== (userOf(sent.access_token) ?? userOf(sent.id_token));
}

function userOf(token: string | undefined): string | undefined {
  return token === undefined ? undefined : readTokenClaims(token)?.userId;
}

const refusalSchema = z.looseObject({
  error: z.union([z.string(), z.looseObject({ code: z.string().nullish() })]).optional(),
  error_description: z.string().optional().catch(undefined),
  code: z.string().optional().catch(undefined),
});

const FINAL_CODE = /\brefresh_token_(reused|expired|invalidated)\b/;

function readRefusal(status: number, content: unknown, headers: Headers): TokenAnswer {
  const parsed = refusalSchema.safeParse(content);
  if (status >= 400 && status < 500 && status !== 429 && parsed.success) {
    const { code, error, error_description: description } = parsed.data;
    const said = typeof error === 'object' ? (error.code ?? undefined) : error;
    const words = [said, code, description].filter((each) => each !== undefined);
    const final = words.map((each) => FINAL_CODE.exec(each)?.[1]).find((each) => each !== undefined);
    if (final !== undefined) return { outcome: 'invalid-grant', reason: final as InvalidGrantReason };
    if (said === 'invalid_grant') return { outcome: 'invalid-grant', reason: 'other' };
  }
  const retryAfterMs = retryAfter(headers.get('retry-after'));
  return {
    outcome: 'unknown',
    why: `status ${status}`,
    // Behind a gateway that fails, the request may have been served.
    mayBeSpent: status < 400 || status >= 500,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

function retryAfter(value: string | null): number | undefined {
  return value !== null && /^\d{1,6}$/.test(value) ? Number(value) * 1000 : undefined;
}
