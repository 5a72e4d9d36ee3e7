import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { codexBinary, downloadTimeout, supportedVersions } from '../../test/codex-binaries.ts';
import { countRequests, filesHolding, nextTurn, openLoginGround } from '../../test/codex-login.ts';
import { openCodexHome, openCodexProcess } from '../../test/scripted-codex.ts';
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

  test('is found nowhere on the disk, but for the log that 0.142 keeps of answers', async () => {
    await using ground = await openLoginGround();
    const { oauth } = ground;
    await using home = await ground.openHome();
    const first = lentOf(await oauth.logIn());
    const next = lentOf(await oauth.logIn('account-1', { accessTokenMs: 7_200_000 }));
    const holders = async (tokens: HostTokens): Promise<boolean> =>
      (await filesHolding(home, [tokens.accessToken])).some((name) => name.startsWith('logs_2.sqlite'));
    {
      await using codex = await openCodexProcess({
        version,
        home,
        answer: () => ({
          accessToken: next.accessToken,
          chatgptAccountId: next.account,
          chatgptPlanType: null,
        }),
      });
      await codex.request('account/login/start', lendParams(first));
      const threadId = await codex.startThread();
      expect(await nextTurn(codex, threadId)).toBe('completed');
      await oauth.expireAccess('account-1');
      await codex.turn(threadId, 'Are you there?');
      // It writes its log some time later.
      if (version === '0.142.5') await expect.poll(() => holders(next), { timeout: 20_000 }).toBe(true);
    }
    if (version === '0.142.5') return;
    expect(await filesHolding(home, [first.accessToken, next.accessToken])).toEqual([]);
  });

  test('comes from a command just as well, which is run again after a 401', async () => {
    await using ground = await openLoginGround();
    const { model, oauth } = ground;
    const { mock } = model.providerConfig()['model_providers'] as { mock: object };
    // What the command prints lies here in a file; it would come from whoever keeps the login.
    const auth = {
      command: '/bin/sh',
      args: ['-c', 'echo . >> calls; cat token'],
      refresh_interval_ms: 300_000,
    };
    const provider = { ...mock, base_url: oauth.modelUrl, auth };
    await using home = await openCodexHome({
      ...model.providerConfig(),
      model_providers: { mock: provider },
    });
    const lend = async (): Promise<void> =>
      await writeFile(join(home.workspace, 'token'), lentOf(await oauth.logIn()).accessToken);
    const calls = async (): Promise<number> =>
      (await readFile(join(home.workspace, 'calls'), 'utf8')).trim().split('\n').length;
    await lend();
    await using codex = await openCodexProcess({ version, home });
    const threadId = await codex.startThread();
    expect(await nextTurn(codex, threadId)).toBe('completed');
    const before = await calls();
    await oauth.expireAccess('account-1');
    await lend();
    expect(await nextTurn(codex, threadId)).toBe('completed');
    expect(await calls()).toBeGreaterThan(before);
    // Codex takes it for a key: it knows no account.
    expect(await codex.request('account/read', {})).toMatchObject({ account: null });
  });
});
