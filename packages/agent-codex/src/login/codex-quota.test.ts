import { describe, expect, it } from 'vitest';
import { openRotatingOAuth } from '../testing/index.ts';
import { readCodexQuota, readCodexUsage } from './codex-quota.ts';
import { fetchCodexQuota } from './fetch-codex-quota.ts';

describe('what a login has left', () => {
  it('is read from what a live Codex says', () => {
    const rateLimits = {
      limitId: 'codex',
      limitName: null,
      primary: { usedPercent: 42, windowDurationMins: 300, resetsAt: 1_800_000_000 },
      secondary: { usedPercent: 5, windowDurationMins: 10_080, resetsAt: null },
    };
    expect(readCodexQuota({ rateLimits }, 7)).toEqual({
      windows: [
        { label: '5 h', usedPercent: 42, resetsMs: 1_800_000_000_000 },
        { label: 'weekly', usedPercent: 5 },
      ],
      takenMs: 7,
    });
  });

  it('names the windows of a limit of its own by that', () => {
    const window = { usedPercent: 1, windowDurationMins: 1440, resetsAt: null };
    const rateLimitsByLimitId = {
      codex: { limitName: null, primary: window },
      other: { limitName: 'reviews', primary: { ...window, windowDurationMins: 45 } },
    };
    expect(readCodexQuota({ rateLimits: {}, rateLimitsByLimitId }, 0)?.windows).toMatchObject([
      { label: '1 d' },
      { label: 'reviews, 45 min' },
    ]);
  });

  it.each([undefined, null, {}, { rateLimits: {} }, { rateLimits: { primary: { usedPercent: 'much' } } }])(
    'is not known from %j',
    (raw) => {
      expect(readCodexQuota(raw, 0)).toBeUndefined();
      expect(readCodexUsage(raw, 0)).toBeUndefined();
    },
  );

  it('is asked of the provider with the access token alone', async () => {
    await using oauth = await openRotatingOAuth({
      accounts: [{ id: 'account-1', usedPercent: { primary: 80, secondary: 30 } }],
    });
    const result = await fetchCodexQuota(await oauth.logIn(), { backendUrl: oauth.backendUrl, now: () => 5 });
    expect(result).toMatchObject({
      outcome: 'known',
      quota: {
        windows: [
          { label: '5 h', usedPercent: 80, resetsMs: expect.any(Number) },
          { label: 'weekly', usedPercent: 30 },
        ],
        takenMs: 5,
      },
    });
    expect((await oauth.audit()).refreshTokens).toMatchObject([{ state: 'live' }]);
  });

  it('is not known where the provider does not say it', async () => {
    await using oauth = await openRotatingOAuth();
    const ask = (authJson: string): Promise<unknown> =>
      fetchCodexQuota(authJson, { backendUrl: oauth.backendUrl });
    expect(await ask('{"OPENAI_API_KEY":"sk"}')).toEqual({ outcome: 'no-quota' });
    const stale = await oauth.logIn(undefined, { accessTokenMs: -1 });
    expect(await ask(stale)).toEqual({ outcome: 'unauthorized' });
    const path = '/wham/usage';
    await oauth.fail(
      { type: 'status', status: 500, path },
      { type: 'html', path },
      { type: 'cut', when: 'done', path },
    );
    for (const why of [/500/, /without windows/, /broke-off/])
      expect(await ask(await oauth.logIn())).toMatchObject({
        outcome: 'unknown',
        why: expect.stringMatching(why),
      });
    await expect(fetchCodexQuota('{}', { backendUrl: 'http://example.com' })).rejects.toMatchObject({
      code: 'invalid-config',
    });
  });
});
