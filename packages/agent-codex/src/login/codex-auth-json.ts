import { z } from 'zod';
import { parseJson } from './json-text.ts';

/** Longer than any login that Codex writes. */
const MAX_AUTH_JSON_BYTES = 256 * 1024;

/** The tokens of a ChatGPT login, by Codex's names. */
export interface ChatgptTokens {
  readonly id_token: string;
  readonly access_token: string;
  readonly refresh_token: string;
  readonly account_id?: string | null | undefined;
  /** 0.169 keeps here which client the login belongs to. */
  readonly oauth_provenance?: unknown;
}

const tokensSchema: z.ZodType<ChatgptTokens> = z.looseObject({
  id_token: z.string().min(1),
  access_token: z.string().min(1),
  refresh_token: z.string().min(1),
  account_id: z.string().min(1).nullish(),
});

const authJsonSchema = z.looseObject({
  auth_mode: z.string().nullish(),
  OPENAI_API_KEY: z.string().nullish(),
  tokens: z.unknown().optional(),
  last_refresh: z.string().nullish(),
});

/** What an auth.json holds. `content` is all of it, members that are not known here included. */
export type AuthJson =
  | {
      readonly kind: 'chatgpt';
      readonly tokens: ChatgptTokens;
      readonly lastRefresh: string | undefined;
      readonly content: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: 'api-key'; readonly apiKey: string }
  | { readonly kind: 'logged-out' }
  /** `reason` quotes nothing of the file. */
  | { readonly kind: 'unreadable'; readonly reason: string };

/** Reads an auth.json of either version. Never throws. */
export function parseAuthJson(bytes: Uint8Array | string): AuthJson {
  if (bytes.length > MAX_AUTH_JSON_BYTES) return unreadable('it is longer than any login');
  const text = typeof bytes === 'string' ? bytes : decode(bytes);
  if (text === undefined) return unreadable('it is not UTF-8');
  if (text.trim() === '') return unreadable('it is empty, as 0.142 leaves it for a moment while it writes');
  const content = parseJson(text);
  const parsed = authJsonSchema.safeParse(content);
  if (!parsed.success)
    return unreadable(
      content === undefined ? 'it is not JSON, or not whole' : 'it does not have the members of a login',
    );
  const { OPENAI_API_KEY: key, auth_mode: mode, tokens } = parsed.data;
  const apiKey = key?.trim() === '' ? undefined : (key ?? undefined);
  // Without a mode Codex goes by the key.
  if (mode === 'apikey' || (mode == null && apiKey !== undefined))
    return apiKey === undefined ? { kind: 'logged-out' } : { kind: 'api-key', apiKey };
  if (mode != null && mode !== 'chatgpt') return unreadable('it is a way of logging in that cannot be kept');
  if (tokens === null || tokens === undefined) return { kind: 'logged-out' };
  const read = tokensSchema.safeParse(tokens);
  if (!read.success) return unreadable('its tokens are not whole');
  const lastRefresh = parsed.data.last_refresh ?? undefined;
  return { kind: 'chatgpt', tokens: read.data, lastRefresh, content: parsed.data };
}

function unreadable(reason: string): AuthJson {
  return { kind: 'unreadable', reason };
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
