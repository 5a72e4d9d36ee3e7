import { existsSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { codexBinary, downloadTimeout, supportedVersions } from '../../test/codex-binaries.ts';
import { countRequests, nextTurn, openLoginGround } from '../../test/codex-login.ts';
import { openCodexProcess } from '../../test/scripted-codex.ts';
import type { HostTokens } from '../app-server/server-requests/server-request.ts';
import { hostTokensOf, lendParams } from './host-tokens.ts';

beforeAll(() => Promise.all(supportedVersions.map(codexBinary)), downloadTimeout);

function lentOf(authJson: string): HostTokens {
  const tokens = hostTokensOf(authJson);
  if (tokens === undefined) throw new Error('There is nothing to lend.');
  return tokens;
}

describe.each(supportedVersions)('an access token that is lent to the real Codex %s', (version) => {
  test('does turns, is asked for again after a 401, and makes no auth.json', async () => {
    await using ground = await openLoginGround();
    const { oauth } = ground;
    await using home = await ground.openHome();
    const asked: unknown[] = [];
    let kept = await oauth.logIn();
    await using codex = await openCodexProcess({
      version,
      home,
      answer({ method, params }) {
        asked.push({ method, params });
        const { accessToken, account, plan } = lentOf(kept);
        return { accessToken, chatgptAccountId: account, chatgptPlanType: plan ?? null };
      },
    });
    await codex.request('account/login/start', lendParams(lentOf(kept)));
    const threadId = await codex.startThread();
    expect(await nextTurn(codex, threadId)).toBe('completed');
    expect(asked).toEqual([]);
    await oauth.expireAccess('account-1');
    kept = await oauth.logIn();
    expect(await nextTurn(codex, threadId)).toBe('completed');
    expect(asked).toEqual([
      {
        method: 'account/chatgptAuthTokens/refresh',
        params: { reason: 'unauthorized', previousAccountId: 'account-1' },
      },
    ]);
    expect(await countRequests(oauth, '/oauth/token')).toBe(0);
    expect(existsSync(home.authJson)).toBe(false);
  });
});
