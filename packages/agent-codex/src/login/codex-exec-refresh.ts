import type { Host } from '@seedbed/host';
import type { RefreshCredential } from '@seedbed/seeds';
import { type ProbeLoginOptions, probeCodexLogin } from './probe-codex-login.ts';

/**
 * How seeds of Codex are verified where their provider cannot be asked directly: `seeds.verifyAndRefresh(id, codexExecRefresh(host, { codex, workdir }))`. It costs a turn, and is
 * waited for once Codex was started, whoever gives up meanwhile: what the login has become is in the probe's home.
 */
export function codexExecRefresh(host: Host, options: Omit<ProbeLoginOptions, 'signal'>): RefreshCredential {
  return async (bytes, { signal }) => {
    if (signal.aborted) return { outcome: 'unknown', reason: 'it was given up before Codex was started' };
    const { authJson, outcome } = await probeCodexLogin(host, new TextDecoder().decode(bytes), options);
    // Whatever the turn said: what it left is the login.
    if (authJson !== undefined) return { outcome: 'refreshed', bytes: Buffer.from(authJson) };
    switch (outcome) {
      case 'alive':
        return { outcome };
      case 'dead':
        return { outcome: 'invalid', reason: 'Codex says that one has to log in again' };
      case 'unknown':
        return { outcome, reason: 'a turn of codex exec said nothing about the login' };
    }
  };
}
