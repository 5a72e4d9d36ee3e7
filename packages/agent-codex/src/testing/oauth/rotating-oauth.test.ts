import { createHash } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { describe, expect, test } from 'vitest';
import { openScriptedModel } from '../scripted-model.ts';
import { openRotatingOAuth, type RotatingOAuth } from './rotating-oauth.ts';
import { openRotatingOAuthProcess } from './rotating-oauth-process.ts';

interface Tokens {
  readonly id_token: string;
  readonly access_token: string;
  readonly refresh_token: string;
  readonly account_id: string;
}

const tokensOf = (authJson: string): Tokens => JSON.parse(authJson).tokens;

function refresh(oauth: RotatingOAuth, token: string, by = 'a test'): Promise<Response> {
  return fetch(`${oauth.tokenUrl}?by=${encodeURIComponent(by)}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ grant_type: 'refresh_token', refresh_token: token }),
  });
}

const post = (url: string, body: unknown): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

const claimsOf = (jwt: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString('utf8'));

describe.each([
  ['in this process', openRotatingOAuth],
  ['in a process of its own', openRotatingOAuthProcess],
])('a rotating OAuth server %s', (_name, open) => {
  test('gives a successor for a refresh token, once', async () => {
    await using oauth = await open();
    const first = tokensOf(await oauth.logIn());
    const second: Tokens = JSON.parse(await (await refresh(oauth, first.refresh_token)).text());
    expect(second.refresh_token).not.toBe(first.refresh_token);
    expect((await refresh(oauth, second.refresh_token)).status).toBe(200);
    expect((await oauth.audit()).spentTwice).toEqual([]);
  });

  test('ends the whole login when a token comes twice, and remembers who showed it', async () => {
    await using oauth = await open();
    const first = tokensOf(await oauth.logIn());
    const second: Tokens = JSON.parse(await (await refresh(oauth, first.refresh_token, 'task 1')).text());
    const again = await refresh(oauth, first.refresh_token, 'task 2');
    expect(again.status).toBe(401);
    expect(await again.json()).toMatchObject({ error: { code: 'refresh_token_reused' } });
    expect(await (await refresh(oauth, second.refresh_token)).json()).toMatchObject({
      error: { code: 'refresh_token_invalidated' },
    });
    const { spentTwice, refreshTokens } = await oauth.audit();
    expect(spentTwice).toMatchObject([
      {
        accountId: 'account-1',
        generation: 0,
        presentations: [
          { by: 'task 1', outcome: 'spent' },
          { by: 'task 2', outcome: 'refresh_token_reused' },
        ],
      },
    ]);
    expect(refreshTokens.map(({ state }) => state)).toEqual(['spent', 'revoked']);
  });

  test('tells no token to whoever reads its audit', async () => {
    await using oauth = await open();
    const first = tokensOf(await oauth.logIn());
    await refresh(oauth, first.refresh_token);
    await fetch(`${oauth.backendUrl}wham/usage`, {
      headers: { authorization: `Bearer ${first.access_token}` },
    });
    const audit = await oauth.audit();
    for (const secret of [first.refresh_token, first.access_token])
      expect(JSON.stringify(audit)).not.toContain(secret);
    const fingerprint = createHash('sha256').update(first.refresh_token).digest('hex').slice(0, 16);
    expect(audit.requests).toMatchObject([
      { path: '/oauth/token', grantType: 'refresh_token', refreshToken: fingerprint, status: 200 },
      { path: '/backend-api/wham/usage', status: 200 },
    ]);
  });

  test('breaks as it is told to: whether a token was spent is another question', async () => {
    await using oauth = await open();
    const { refresh_token: token } = tokensOf(await oauth.logIn());
    await oauth.fail(
      { type: 'status', status: 429, retryAfter: 1 },
      { type: 'html' },
      { type: 'cut', when: 'received' },
      { type: 'cut', when: 'done' },
    );
    expect((await refresh(oauth, token)).status).toBe(429);
    expect((await refresh(oauth, token)).headers.get('content-type')).toBe('text/html');
    await expect(refresh(oauth, token)).rejects.toThrow();
    expect((await oauth.audit()).refreshTokens).toMatchObject([{ state: 'live' }]);
    await expect(refresh(oauth, token)).rejects.toThrow();
    expect((await oauth.audit()).refreshTokens).toMatchObject([{ state: 'spent' }, { state: 'live' }]);
  });

  test('answers what it held when it is released', async () => {
    await using oauth = await open();
    const { refresh_token: token } = tokensOf(await oauth.logIn());
    await oauth.fail({ type: 'hold', name: 'door' });
    const answer = refresh(oauth, token);
    await oauth.waitForRequests('/oauth/token');
    expect((await oauth.audit()).requests).not.toHaveProperty('0.status');
    await oauth.release('door');
    expect((await answer).status).toBe(200);
  });

  test('refuses what it does not know, by name', async () => {
    await using oauth = await open({ approveDevices: 'nobody' });
    await expect(oauth.logIn('nobody')).rejects.toMatchObject({ code: 'no-such-account' });
    await expect(oauth.approveDevice('ABCD-EFGH')).rejects.toMatchObject({ code: 'no-such-device' });
    await expect(oauth.fail(JSON.parse('{"type":"burn"}'))).rejects.toMatchObject({
      code: 'invalid-options',
    });
    await expect(open(JSON.parse('{"acounts":[]}'))).rejects.toMatchObject({ code: 'invalid-options' });
  });
});

describe('a rotating OAuth server', () => {
  test('says who is logged in as Codex reads it', async () => {
    await using oauth = await openRotatingOAuth({
      accounts: [{ id: 'team-7', email: 'grace@example.com', name: 'Grace', plan: 'team' }],
    });
    const { id_token, access_token, account_id } = tokensOf(await oauth.logIn());
    const auth = { chatgpt_account_id: 'team-7', chatgpt_plan_type: 'team' };
    expect(claimsOf(id_token)).toMatchObject({
      email: 'grace@example.com',
      name: 'Grace',
      'https://api.openai.com/auth': auth,
    });
    expect(claimsOf(access_token)).toMatchObject({ 'https://api.openai.com/auth': auth });
    expect(account_id).toBe('team-7');
  });

  test.each([
    ['expired', { refreshTokenMs: -1 }, 'refresh_token_expired'],
    ['revoked', {}, 'refresh_token_invalidated'],
  ] as const)('says of a token that it is %s, in either manner', async (how, lifetimes, code) => {
    for (const refusals of ['openai', 'rfc6749'] as const) {
      await using oauth = await openRotatingOAuth({ refusals });
      const { refresh_token: token } = tokensOf(await oauth.logIn(undefined, lifetimes));
      if (how === 'revoked') await oauth.revoke('account-1');
      const answer = await refresh(oauth, token);
      expect(answer.status).toBe(refusals === 'openai' ? 401 : 400);
      expect(await answer.text()).toContain(code);
    }
  });

  test('only refuses reuse where that is asked for', async () => {
    await using oauth = await openRotatingOAuth({ onReuse: 'refuse' });
    const first = tokensOf(await oauth.logIn());
    const second: Tokens = JSON.parse(await (await refresh(oauth, first.refresh_token)).text());
    expect((await refresh(oauth, first.refresh_token)).status).toBe(401);
    expect((await refresh(oauth, second.refresh_token)).status).toBe(200);
    expect((await oauth.audit()).spentTwice).toHaveLength(1);
  });

  test('logs a device in when somebody has approved its code', async () => {
    await using oauth = await openRotatingOAuth({ approveDevices: 'nobody' });
    const device = `${oauth.issuer}/api/accounts/deviceauth`;
    const opened = JSON.parse(await (await post(`${device}/usercode`, {})).text());
    const ask = { device_auth_id: opened.device_auth_id, user_code: opened.user_code };
    expect((await post(`${device}/token`, ask)).status).toBe(403);
    expect((await oauth.audit()).waitingDevices).toEqual([opened.user_code]);
    await oauth.approveDevice(opened.user_code);
    const grant = JSON.parse(await (await post(`${device}/token`, ask)).text());
    const exchange = { grant_type: 'authorization_code', code: grant.authorization_code };
    const wrong = await post(oauth.tokenUrl, { ...exchange, code_verifier: 'guessed' });
    expect(wrong.status).toBe(401);
    const { code_verifier } = grant;
    expect((await post(oauth.tokenUrl, { ...exchange, code_verifier })).status).toBe(401);
  });

  test('lets a person type the code of a device', async () => {
    await using oauth = await openRotatingOAuth({ approveDevices: 'nobody' });
    const device = `${oauth.issuer}/api/accounts/deviceauth`;
    const { user_code } = JSON.parse(await (await post(`${device}/usercode`, {})).text());
    const type = (code: string): Promise<Response> =>
      fetch(`${oauth.issuer}/codex/device`, {
        method: 'POST',
        body: new URLSearchParams({ user_code: code, account: 'account-1' }),
      });
    expect(await (await fetch(`${oauth.issuer}/codex/device`)).text()).toContain('name="user_code"');
    const wrong = await type('<b>');
    expect(wrong.status).toBe(400);
    expect(await wrong.text()).not.toContain('<b>');
    expect((await type(` ${String(user_code).toLowerCase()} `)).status).toBe(200);
    expect((await oauth.audit()).waitingDevices).toEqual([]);
  });

  test('sends a browser back with a code that its challenge protects', async () => {
    await using oauth = await openRotatingOAuth();
    const verifier = 'v'.repeat(43);
    const query = new URLSearchParams({
      redirect_uri: 'http://localhost:1455/auth/callback',
      state: 'st',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    });
    const sent = await fetch(`${oauth.issuer}/oauth/authorize?${query}`, { redirect: 'manual' });
    const location = new URL(sent.headers.get('location') ?? '');
    expect(location.searchParams.get('state')).toBe('st');
    const answer = await post(oauth.tokenUrl, {
      grant_type: 'authorization_code',
      code: location.searchParams.get('code'),
      code_verifier: verifier,
    });
    expect(await answer.json()).toMatchObject({ refresh_token: expect.any(String) });
  });

  test('lets good access tokens alone through to the model', async () => {
    await using model = await openScriptedModel({
      story: { replies: [], otherwise: [{ type: 'say', text: 'Hi' }] },
    });
    await using oauth = await openRotatingOAuth({ model: model.url });
    const ask = (token: string): Promise<Response> =>
      fetch(`${oauth.modelUrl}/responses`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
        body: JSON.stringify({ model: 'm', input: [] }),
      });
    const good = tokensOf(await oauth.logIn());
    const stale = tokensOf(await oauth.logIn('account-1', { accessTokenMs: -1 }));
    expect(await (await ask(good.access_token)).text()).toContain('response.completed');
    for (const token of [stale.access_token, 'guessed']) expect((await ask(token)).status).toBe(401);
    await oauth.revoke('account-1');
    expect((await ask(good.access_token)).status).toBe(401);
    expect(model.requests).toHaveLength(1);
  });

  test('is not to be reached from outside', async () => {
    await using oauth = await openRotatingOAuth();
    const outside = Object.values(networkInterfaces()).flatMap((list) =>
      (list ?? []).filter((address) => !address.internal && address.family === 'IPv4'),
    );
    for (const { address } of outside)
      await expect(fetch(Object.assign(new URL(oauth.tokenUrl), { hostname: address }))).rejects.toThrow();
  });

  test('closes while answers hang, are held and are awaited', async () => {
    const oauth = await openRotatingOAuth();
    const { refresh_token: token } = tokensOf(await oauth.logIn());
    await oauth.fail({ type: 'hang' }, { type: 'hold', name: 'never' });
    const asked = [refresh(oauth, token), refresh(oauth, token)].map((each) => each.catch(() => 'gone'));
    await oauth.waitForRequests('/oauth/token', 2);
    const awaited = expect(oauth.waitForRequests('/oauth/token', 3)).rejects.toMatchObject({
      code: 'closed',
    });
    await oauth[Symbol.asyncDispose]();
    expect(await Promise.all(asked)).toEqual(['gone', 'gone']);
    await awaited;
  });

  test('says when its port is taken', async () => {
    await using first = await openRotatingOAuth();
    const port = Number(new URL(first.issuer).port);
    await expect(openRotatingOAuth({ port })).rejects.toMatchObject({ code: 'cannot-listen' });
  });
});
