import { createHash } from 'node:crypto';
import type { AccountSummary, Credential, CredentialKind, CredentialReading } from '@seedbed/seeds';
import { type ChatgptTokens, parseAuthJson } from './codex-auth-json.ts';
import { definedMembers } from './defined-members.ts';
import { readTokenClaims, type TokenClaims } from './token-claims.ts';

/** A workspace's account is shared by its members; so a login also says whose it is among them, where its tokens do. */
interface CodexCredential extends Credential {
  readonly user?: string;
}

/**
 * Codex's `auth.json` as a credential: of a ChatGPT login the refresh token is what is spent, an API key does not rotate.
 * A file that is empty, half-written, or of a kind that cannot be kept is `unreadable`.
 */
export const codexCredential: CredentialKind = {
  name: 'codex auth.json',
  read: readCredential,
  succeeds(previous: CodexCredential, next: CodexCredential): boolean {
    if (differs(previous.account, next.account) || previous.rotates !== next.rotates) return false;
    if (!next.rotates) return previous.generation === next.generation;
    return !differs(previous.user, next.user);
  },
};

/** Of names that tokens may leave out. */
function differs(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && one !== other;
}

function readCredential(bytes: Uint8Array): CredentialReading {
  const login = parseAuthJson(bytes);
  switch (login.kind) {
    case 'logged-out':
      return { state: 'logged-out' };
    case 'unreadable':
      return { state: 'unreadable', reason: login.reason };
    case 'api-key':
      return { state: 'logged-in', generation: fingerprint('api-key', login.apiKey), rotates: false };
    case 'chatgpt':
      return chatgptCredential(login.tokens, login.lastRefresh);
  }
}

function chatgptCredential(tokens: ChatgptTokens, lastRefresh: string | undefined): CodexCredential {
  const identity = readTokenClaims(tokens.id_token) ?? {};
  const access = readTokenClaims(tokens.access_token) ?? {};
  const summary = summaryOf(identity);
  return {
    state: 'logged-in',
    generation: fingerprint('refresh-token', tokens.refresh_token),
    rotates: true,
    ...definedMembers({
      account: tokens.account_id ?? identity.accountId ?? access.accountId,
      user: identity.userId ?? access.userId,
      // The provider's clock where it says so: what Codex writes beside it is that of its machine.
      refreshedAtMs: access.issuedAtMs ?? parseTime(lastRefresh),
      expiresAtMs: access.expiresAtMs,
    }),
    ...(Object.keys(summary).length === 0 ? {} : { summary }),
  };
}

function summaryOf({ email, name, plan }: TokenClaims): AccountSummary {
  return definedMembers({ name, email, plan });
}

/** Names a secret without telling it; equal for equal secrets of one kind only. */
function fingerprint(kind: 'refresh-token' | 'api-key', secret: string): string {
  return createHash('sha256').update(`seedbed/codex/${kind}\0${secret}`).digest('hex');
}

function parseTime(text: string | undefined): number | undefined {
  const time = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}
