import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { Credential } from '@seedbed/seeds';
import { beforeAll, describe, expect, test } from 'vitest';
import { codexBinary, downloadTimeout, supportedVersions } from '../../test/codex-binaries.ts';
import {
  countRequests,
  filesHolding,
  logInByDevice,
  nextTurn,
  oneTurn,
  openLoginGround,
} from '../../test/codex-login.ts';
import { failureOf, openCodexProcess } from '../../test/scripted-codex.ts';
import type { RotatingOAuth } from '../testing/index.ts';
import { codexCredential } from './codex-credential.ts';
import { readCodexQuota } from './codex-quota.ts';
import { refreshCodexLogin } from './refresh-codex-login.ts';

beforeAll(() => Promise.all(supportedVersions.map(codexBinary)), downloadTimeout);

function credentialOf(authJson: string): Credential {
  const reading = codexCredential.read(Buffer.from(authJson));
  if (reading.state !== 'logged-in') throw new Error(`It is ${reading.state}.`);
  return reading;
}

/** Which access token came to the model last, by fingerprint. */
async function lastTokenUsed(oauth: RotatingOAuth): Promise<string | undefined> {
  return (await oauth.audit()).requests.findLast(({ path }) => path === '/v1/responses')?.accessToken;
}

const accessTokenOf = (authJson: string): string =>
  createHash('sha256').update(JSON.parse(authJson).tokens.access_token).digest('hex').slice(0, 16);

describe.each(supportedVersions)('the login of the real Codex %s', (version) => {
  test('is whole once a device was approved, and does a turn in another home', async () => {
    await using ground = await openLoginGround({
      approveDevices: 'nobody',
      accounts: [{ id: 'team-1', plan: 'team' }],
    });
    const { oauth } = ground;
    await using first = await ground.openHome();
    expect(await logInByDevice(version, first, { oauth })).toBe(0);
    const captured = await first.read();
    expect(credentialOf(captured)).toMatchObject({
      account: 'team-1',
      rotates: true,
      summary: { email: 'team-1@example.com', plan: 'team' },
    });
    expect((await stat(first.authJson)).mode & 0o777).toBe(0o600);
    await using second = await ground.openHome(captured);
    expect(await oneTurn(version, second)).toBe('completed');
    expect(await lastTokenUsed(oauth)).toBe(accessTokenOf(captured));
    expect((await oauth.audit()).spentTwice).toEqual([]);
  });

  test('is refreshed at the start when less than five minutes are left, and stays what it was otherwise', async () => {
    for (const [accessTokenMs, refreshes] of [
      [-1000, 1],
      [280_000, 1],
      [600_000, 0],
    ] as const) {
      await using ground = await openLoginGround();
      const before = JSON.parse(await ground.oauth.logIn(undefined, { accessTokenMs }));
      await using home = await ground.openHome(JSON.stringify({ ...before, of_others: { kept: true } }));
      expect(await oneTurn(version, home)).toBe('completed');
      expect(await countRequests(ground.oauth, '/oauth/token')).toBe(refreshes);
      const after = await home.read();
      if (refreshes === 0) {
        expect(JSON.parse(after)).toEqual({ ...before, of_others: { kept: true } });
        continue;
      }
      // Codex itself keeps nothing that it does not know.
      expect(JSON.parse(after)).not.toHaveProperty('of_others');
      expect(codexCredential.succeeds(credentialOf(JSON.stringify(before)), credentialOf(after))).toBe(true);
    }
  });

  test('is refreshed after a 401, and the file has the successor before the answer of the model comes', async () => {
    await using ground = await openLoginGround();
    const { oauth } = ground;
    const before = await oauth.logIn();
    await using home = await ground.openHome(before);
    await using codex = await openCodexProcess({ version, home });
    const threadId = await codex.startThread();
    expect(await nextTurn(codex, threadId)).toBe('completed');
    const { ino } = await stat(home.authJson);
    await oauth.expireAccess('account-1');
    expect(await nextTurn(codex, threadId)).toBe('completed');
    const after = await home.read();
    expect(credentialOf(after).generation).not.toBe(credentialOf(before).generation);
    expect(await lastTokenUsed(oauth)).toBe(accessTokenOf(after));
    // 0.142 truncates the file and writes into it; 0.169 puts another in its place.
    expect((await stat(home.authJson)).ino === ino).toBe(version === '0.142.5');
    expect((await stat(home.authJson)).mode & 0o777).toBe(0o600);
    expect((await oauth.audit()).refreshTokens.map(({ presentations }) => presentations)).toMatchObject([
      [{ by: 'codex', outcome: 'spent' }],
      [],
    ]);
  });

  test('that somebody else has renewed is taken from the file when it is needed, and not before', async () => {
    await using ground = await openLoginGround();
    const { oauth } = ground;
    const first = await oauth.logIn();
    await using home = await ground.openHome(first);
    await using codex = await openCodexProcess({ version, home });
    const threadId = await codex.startThread();
    const renewed = await refreshCodexLogin(first, { tokenUrl: oauth.tokenUrl });
    if (renewed.outcome !== 'refreshed') throw new Error(`It is ${renewed.outcome}.`);
    await home.replace(renewed.authJson);
    expect(await nextTurn(codex, threadId)).toBe('completed');
    expect(await lastTokenUsed(oauth)).toBe(accessTokenOf(first));
    await oauth.expireAccess('account-1');
    const again = await refreshCodexLogin(renewed.authJson, { tokenUrl: oauth.tokenUrl });
    if (again.outcome !== 'refreshed') throw new Error(`It is ${again.outcome}.`);
    await home.replace(again.authJson);
    expect(await nextTurn(codex, threadId)).toBe('completed');
    expect(await lastTokenUsed(oauth)).toBe(accessTokenOf(again.authJson));
    // Both refreshes were ours: Codex spent nothing.
    expect(await countRequests(oauth, '/oauth/token')).toBe(2);
    expect((await oauth.audit()).spentTwice).toEqual([]);
  });

  test('of another account is never taken over by a running session', async () => {
    await using ground = await openLoginGround({ accounts: [{ id: 'account-1' }, { id: 'account-2' }] });
    const { oauth } = ground;
    await using home = await ground.openHome(await oauth.logIn('account-1'));
    await using codex = await openCodexProcess({ version, home });
    const threadId = await codex.startThread();
    await oauth.expireAccess('account-1');
    await home.replace(await oauth.logIn('account-2'));
    const ended = await codex.turn(threadId, 'Are you there?');
    expect(ended.params.turn?.status).toBe('failed');
    expect(failureOf(ended)).toBe('unauthorized');
    expect(await countRequests(oauth, '/oauth/token')).toBe(0);
  });

  test('is over when the provider says so, and not when it is in trouble', async () => {
    for (const isOver of [true, false]) {
      await using ground = await openLoginGround();
      const { oauth } = ground;
      const before = await oauth.logIn();
      await using home = await ground.openHome(before);
      await using codex = await openCodexProcess({ version, home });
      const threadId = await codex.startThread();
      await oauth.expireAccess('account-1');
      if (isOver) await oauth.revoke('account-1');
      else await oauth.fail({ type: 'status', status: 503, times: 100 });
      const ended = await codex.turn(threadId, 'Are you there?');
      expect(failureOf(ended)).toBe(isOver ? 'unauthorized' : 'other');
      expect(await home.read()).toBe(before);
    }
  });

  test('that was refreshed without Codex works in it, at once and when it is refreshed next', async () => {
    await using ground = await openLoginGround();
    const { oauth } = ground;
    await using first = await ground.openHome();
    await logInByDevice(version, first, { oauth });
    const refreshed = await refreshCodexLogin(await first.read(), { tokenUrl: oauth.tokenUrl });
    if (refreshed.outcome !== 'refreshed') throw new Error(`It is ${refreshed.outcome}.`);
    await using home = await ground.openHome(refreshed.authJson);
    expect(await oneTurn(version, home)).toBe('completed');
    await oauth.expireAccess('account-1');
    expect(await oneTurn(version, home)).toBe('completed');
    const next = credentialOf(await home.read());
    expect(codexCredential.succeeds(credentialOf(refreshed.authJson), next)).toBe(true);
    expect((await oauth.audit()).spentTwice).toEqual([]);
  });

  test('says what it has left', async () => {
    await using ground = await openLoginGround({
      accounts: [{ id: 'account-1', usedPercent: { primary: 42, secondary: 7 } }],
    });
    await using home = await ground.openHome(await ground.oauth.logIn());
    await using codex = await openCodexProcess({ version, home });
    expect(await codex.request('account/read', {})).toMatchObject({
      account: { type: 'chatgpt', email: 'account-1@example.com', planType: 'pro' },
    });
    const limits = await codex.request('account/rateLimits/read', {});
    expect(readCodexQuota(limits, 0)?.windows).toMatchObject([
      { label: '5 h', usedPercent: 42, resetsMs: expect.any(Number) },
      { label: 'weekly', usedPercent: 7 },
    ]);
    expect(await codex.request('account/usage/read', {})).toMatchObject({
      summary: { lifetimeTokens: 12_345 },
    });
    expect(await nextTurn(codex, await codex.startThread())).toBe('completed');
    // Nor does it ask anything that the server does not know.
    const { requests } = await ground.oauth.audit();
    expect(requests.filter(({ path, status }) => status === 404 && !path.startsWith('/v1/'))).toEqual([]);
  });

  test('is in its file and in no other', async () => {
    await using ground = await openLoginGround();
    const { oauth } = ground;
    await using home = await ground.openHome(await oauth.logIn(undefined, { accessTokenMs: -1000 }));
    const tokensOf = (authJson: string): readonly string[] => {
      const { access_token, refresh_token } = JSON.parse(authJson).tokens;
      return [access_token, refresh_token];
    };
    const secrets = [...tokensOf(await home.read())];
    expect(await oneTurn(version, home)).toBe('completed');
    secrets.push(...tokensOf(await home.read()));
    expect(await filesHolding(home, secrets)).toEqual([]);
  });
});
