import type { SeedLease } from '@seedbed/seeds';
import type { HostTokens, TokenLender } from '../app-server/server-requests/server-request.ts';
import { hostTokensOf } from '../login/host-tokens.ts';
import { type RefreshLoginOptions, refreshCodexLogin } from '../login/refresh-codex-login.ts';

/** A login that stays with this program. Disposal waits for a refresh that is under way, and saves what could not be saved before. */
export interface LentLogin extends AsyncDisposable {
  readonly tokens: TokenLender;
}

/**
 * Lends Codex the access tokens of a leased login, and refreshes it here when one is refused. A refresh token that may have been spent is not shown again: then there is nothing
 * more to lend, and turns fail until somebody else finds out.
 */
export function lendLogin(
  lease: Pick<SeedLease, 'signal' | 'take' | 'writeBack'>,
  refresh: Omit<RefreshLoginOptions, 'signal'>,
): LentLogin {
  let login: Uint8Array | undefined;
  let isUnsaved = false;
  let isDoubtful = false;
  let running: Promise<HostTokens | undefined> | undefined;

  async function save(): Promise<void> {
    if (!isUnsaved || login === undefined) return;
    await lease.writeBack(login);
    isUnsaved = false;
  }

  async function refreshed(): Promise<HostTokens | undefined> {
    if (login === undefined || isDoubtful || lease.signal.aborted) return undefined;
    const result = await refreshCodexLogin(login, refresh);
    if (result.outcome === 'unknown') isDoubtful = result.mayBeSpent;
    if (result.outcome !== 'refreshed') return undefined;
    login = new TextEncoder().encode(result.authJson);
    isUnsaved = true;
    // What cannot be saved now is saved later: Codex may go on meanwhile.
    await save().catch(() => undefined);
    return hostTokensOf(login);
  }

  return {
    async tokens({ reason }) {
      if (reason === 'start') {
        login ??= await lease.take();
        return hostTokensOf(login);
      }
      running ??= refreshed().finally(() => {
        running = undefined;
      });
      return await running;
    },
    async [Symbol.asyncDispose]() {
      await running?.catch(() => undefined);
      await save();
    },
  };
}
