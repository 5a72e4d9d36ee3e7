import type { RefreshCredential } from '@seedbed/seeds';
import { type RefreshLoginOptions, refreshCodexLogin } from './refresh-codex-login.ts';

/**
 * How seeds of Codex are verified and refreshed: `seeds.verifyAndRefresh(id, codexRefresh())`.
 * Once the provider has been asked its answer is waited for, whoever gives up meanwhile: it may hold the only good token.
 */
export function codexRefresh(options: Omit<RefreshLoginOptions, 'signal'> = {}): RefreshCredential {
  return async (bytes, { signal }) => {
    if (signal.aborted)
      return { outcome: 'unknown', reason: 'it was given up before the provider was asked' };
    const result = await refreshCodexLogin(bytes, options);
    switch (result.outcome) {
      case 'refreshed':
        return { outcome: 'refreshed', bytes: Buffer.from(result.authJson) };
      case 'not-needed':
        return { outcome: 'alive' };
      case 'invalid-grant':
        return { outcome: 'invalid', reason: `invalid_grant: refresh token ${result.reason}` };
      case 'unknown':
        return {
          outcome: 'unknown',
          reason: result.mayBeSpent ? `${result.why}; the token may have been spent` : result.why,
        };
    }
  };
}
