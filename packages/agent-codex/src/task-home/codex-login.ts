import { z } from 'zod';
import { AgentCodexError } from '../agent-codex-error.ts';

/** How Codex is logged in: an API key, or the content of an auth.json that Codex wrote. */
export type CodexLogin =
  | { readonly type: 'api-key'; readonly apiKey: string }
  | { readonly type: 'auth-json'; readonly content: string };

const authJson = z.looseObject({
  OPENAI_API_KEY: z.string().nullish(),
  tokens: z.looseObject({ refresh_token: z.string().min(1) }).nullish(),
});

/**
 * The text of auth.json. An auth.json is passed on byte for byte, because members that are not known here must survive.
 * @throws {AgentCodexError} `invalid-config` when it is not whole, or logged out. The message never quotes it.
 */
export function renderAuthJson(login: CodexLogin): string {
  if (login.type === 'api-key') {
    if (login.apiKey.trim() === '') throw new AgentCodexError('invalid-config', 'login.apiKey is empty.');
    return `${JSON.stringify({ auth_mode: 'apikey', OPENAI_API_KEY: login.apiKey }, null, 2)}\n`;
  }
  const parsed = authJson.safeParse(parseJson(login.content));
  if (!parsed.success || !(parsed.data.tokens || parsed.data.OPENAI_API_KEY)) {
    throw new AgentCodexError(
      'invalid-config',
      'login.content is not an auth.json that holds a login: log in again and take the whole file.',
    );
  }
  return login.content;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
