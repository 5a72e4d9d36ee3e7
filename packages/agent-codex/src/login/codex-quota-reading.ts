import type { ReadQuota } from '@seedbed/seeds';
import { type FetchQuotaOptions, fetchCodexQuota } from './fetch-codex-quota.ts';

/** How seeds of Codex are asked for what they have left: `seeds.refreshIdle({ refresh: codexRefresh(), readQuota: codexQuota() })`. */
export function codexQuota(options: Omit<FetchQuotaOptions, 'signal'> = {}): ReadQuota {
  return async (bytes, { signal }) => {
    const result = await fetchCodexQuota(bytes, { ...options, signal });
    switch (result.outcome) {
      case 'known':
        return result;
      case 'no-quota':
        return { outcome: 'none' };
      case 'unauthorized':
        return { outcome: 'unknown', reason: 'its access token has run out; the next refresh gives another' };
      case 'unknown':
        return { outcome: 'unknown', reason: result.why };
    }
  };
}
