import { codexRelease } from '@seedbed/binary-cache';
import { AgentCodexError } from '../agent-codex-error.ts';
import { codexTraits } from '../codex-version.ts';
import { lendParams } from '../login/host-tokens.ts';
import type { CodexTaskConfig } from '../task-config.ts';
import type { AppServer } from './app-server.ts';
import type { ServerRequestDesk, TokenLender } from './server-requests/server-request.ts';

/** @throws {AgentCodexError} `invalid-config` with a login of its own, `unsupported` for a version that would write the tokens down. */
export function refuseToLend({ login, version }: Pick<CodexTaskConfig, 'login' | 'version'>): void {
  if (login !== undefined)
    throw new AgentCodexError('invalid-config', 'tokens contradicts login: say one of them.');
  const { version: named } = codexRelease(version);
  if (codexTraits(named).keepsLentTokens) return;
  throw new AgentCodexError(
    'unsupported',
    `Codex ${named} would write the tokens that it is lent to the host's disk. Use 0.169.0 or newer.`,
  );
}

/** Logs a Codex in that has no login of its own, for as long as it runs. @throws {AgentCodexError} `not-logged-in` when there is nothing to lend. */
export async function lendTokens(server: Pick<AppServer, 'request'>, lender: TokenLender): Promise<void> {
  const tokens = await lender({ reason: 'start' });
  if (tokens === undefined)
    throw new AgentCodexError(
      'not-logged-in',
      'There is no access token to lend to Codex: an API key cannot be lent, nor a login that does not say whose it is.',
    );
  await server.request('account/login/start', lendParams(tokens));
}

export function freshTokensOf(lender: TokenLender): NonNullable<ServerRequestDesk['freshTokens']> {
  return async (previousAccount) =>
    await lender({ reason: 'refused', ...(previousAccount === undefined ? {} : { previousAccount }) });
}
