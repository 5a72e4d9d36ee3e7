import { describe, expect, it } from 'vitest';
import { type OAuthFault, openRotatingOAuth } from '../testing/index.ts';
import { refreshCodexLogin } from './refresh-codex-login.ts';

describe('a refresh of a login', () => {
  it('gives the file with the successor, and everything else that it held', async () => {
    await using oauth = await openRotatingOAuth();
    const login = JSON.parse(await oauth.logIn());
    const tokens = { ...login.tokens, login_owner_id: 'o', oauth_provenance: { issuer: 'x', other: 1 } };
    const before = { ...login, tokens, of_a_later_version: { kept: [1, null] } };
    const result = await refreshCodexLogin(JSON.stringify(before), {
      tokenUrl: oauth.tokenUrl,
      now: () => 1_800_000_000_000,
    });
    if (result.outcome !== 'refreshed') throw new Error(`It is ${result.outcome}.`);
    const after = JSON.parse(result.authJson);
    const { access_token, id_token, refresh_token } = after.tokens;
    expect(after).toEqual({
      ...before,
      tokens: { ...tokens, access_token, id_token, refresh_token },
      last_refresh: '2027-01-15T08:00:00.000Z',
    });
    expect(refresh_token).not.toBe(tokens.refresh_token);
    expect((await oauth.audit()).spentTwice).toEqual([]);
  });

  it('asks as Codex asks, for the client that the login belongs to', async () => {
    const asked: unknown[] = [];
    const fetch: typeof globalThis.fetch = async (_url, init) => {
      asked.push(JSON.parse(String(init?.body)));
      return Response.json({ access_token: 'a' });
    };
    await using oauth = await openRotatingOAuth();
    const login = JSON.parse(await oauth.logIn());
    for (const oauth_provenance of [undefined, { client_id: 'app_other' }]) {
      const authJson = JSON.stringify({ ...login, tokens: { ...login.tokens, oauth_provenance } });
      expect(await refreshCodexLogin(authJson, { fetch })).toMatchObject({ outcome: 'refreshed' });
    }
    const common = { grant_type: 'refresh_token', refresh_token: login.tokens.refresh_token };
    expect(asked).toEqual([
      { ...common, client_id: 'app_EMoamEEZ73f0CkXaXp7hrann' },
      { ...common, client_id: 'app_other' },
    ]);
  });

  it.each(['openai', 'rfc6749'] as const)(
    'knows a login that is over, said in the manner of %s',
    async (refusals) => {
      await using oauth = await openRotatingOAuth({ refusals });
      const refresh = (authJson: string): Promise<unknown> =>
        refreshCodexLogin(authJson, { tokenUrl: oauth.tokenUrl });
      const used = await oauth.logIn();
      await refresh(used);
      expect(await refresh(used)).toEqual({ outcome: 'invalid-grant', reason: 'reused' });
      const expired = await oauth.logIn(undefined, { refreshTokenMs: -1 });
      expect(await refresh(expired)).toEqual({ outcome: 'invalid-grant', reason: 'expired' });
      const revoked = await oauth.logIn();
      await oauth.revoke('account-1');
      expect(await refresh(revoked)).toEqual({ outcome: 'invalid-grant', reason: 'invalidated' });
      const foreign = JSON.stringify({
        tokens: { id_token: 'i', access_token: 'a', refresh_token: 'unknown' },
      });
      expect(await refresh(foreign)).toEqual({ outcome: 'invalid-grant', reason: 'other' });
    },
  );

  it.each<[string, OAuthFault, { mayBeSpent: boolean; why: RegExp }]>([
    ['too many requests', { type: 'status', status: 429 }, { mayBeSpent: false, why: /429/ }],
    ['a server in trouble', { type: 'status', status: 503 }, { mayBeSpent: true, why: /503/ }],
    ['a proxy that says 401', { type: 'status', status: 401 }, { mayBeSpent: false, why: /401/ }],
    ['a web page in its place', { type: 'html' }, { mayBeSpent: false, why: /not the provider/ }],
    [
      'JSON without tokens',
      { type: 'says', body: '{"ok":true}' },
      { mayBeSpent: true, why: /without the tokens/ },
    ],
    [
      'a token that is none',
      { type: 'says', body: '{"access_token":""}' },
      { mayBeSpent: true, why: /without/ },
    ],
    ['an endless answer', { type: 'huge', bytes: 2_000_000 }, { mayBeSpent: true, why: /too-large/ }],
    [
      'another address',
      { type: 'redirect', location: 'http://127.0.0.1:9/' },
      { mayBeSpent: false, why: /redirected/ },
    ],
    ['a connection that is cut', { type: 'cut', when: 'done' }, { mayBeSpent: true, why: /broke-off/ }],
    ['half an answer', { type: 'cut', when: 'answering' }, { mayBeSpent: true, why: /broke-off/ }],
  ])('knows nothing of the login after %s', async (_, fault, { mayBeSpent, why }) => {
    await using oauth = await openRotatingOAuth();
    await oauth.fail(fault);
    const result = await refreshCodexLogin(await oauth.logIn(), { tokenUrl: oauth.tokenUrl });
    expect(result).toMatchObject({ outcome: 'unknown', mayBeSpent, why: expect.stringMatching(why) });
    expect((await oauth.audit()).requests).toHaveLength(1);
  });

  it('says when the provider wants to be asked again', async () => {
    await using oauth = await openRotatingOAuth();
    await oauth.fail({ type: 'status', status: 429, retryAfter: 7 });
    expect(await refreshCodexLogin(await oauth.logIn(), { tokenUrl: oauth.tokenUrl })).toMatchObject({
      retryAfterMs: 7000,
    });
  });

  it('waits no longer than it is told to', async () => {
    await using oauth = await openRotatingOAuth();
    await oauth.fail({ type: 'hang' });
    const result = await refreshCodexLogin(await oauth.logIn(), { tokenUrl: oauth.tokenUrl, timeoutMs: 20 });
    expect(result).toMatchObject({
      outcome: 'unknown',
      mayBeSpent: true,
      why: expect.stringMatching(/timed-out/),
    });
  });

  it('waits no longer than its caller', async () => {
    await using oauth = await openRotatingOAuth();
    await oauth.fail({ type: 'hang' });
    const caller = new AbortController();
    const { signal } = caller;
    const refreshing = refreshCodexLogin(await oauth.logIn(), { tokenUrl: oauth.tokenUrl, signal });
    await oauth.waitForRequests('/oauth/token');
    caller.abort();
    expect(await refreshing).toMatchObject({
      outcome: 'unknown',
      mayBeSpent: true,
      why: expect.stringMatching(/aborted/),
    });
  });

  it('knows that a token was not sent where nobody listens', async () => {
    const oauth = await openRotatingOAuth();
    const login = await oauth.logIn();
    await oauth[Symbol.asyncDispose]();
    const result = await refreshCodexLogin(login, { tokenUrl: oauth.tokenUrl });
    expect(result).toMatchObject({
      outcome: 'unknown',
      mayBeSpent: false,
      why: expect.stringMatching(/not-reached.*ECONNREFUSED/),
    });
  });

  it('takes no tokens of another account for its own', async () => {
    await using oauth = await openRotatingOAuth({ accounts: [{ id: 'a' }, { id: 'b' }] });
    const { tokens } = JSON.parse(await oauth.logIn('b'));
    await oauth.fail({ type: 'says', body: JSON.stringify(tokens) });
    const result = await refreshCodexLogin(await oauth.logIn('a'), { tokenUrl: oauth.tokenUrl });
    expect(result).toMatchObject({ outcome: 'unknown', why: expect.stringMatching(/another account/) });
  });

  it('takes tokens for its own that name another account of the same person: the old ones are spent', async () => {
    await using oauth = await openRotatingOAuth();
    const login = JSON.parse(await oauth.logIn());
    login.tokens.account_id = 'another workspace';
    const result = await refreshCodexLogin(JSON.stringify(login), { tokenUrl: oauth.tokenUrl });
    expect(result).toMatchObject({ outcome: 'refreshed' });
  });

  it('never refreshes a key', async () => {
    expect(await refreshCodexLogin('{"OPENAI_API_KEY":"sk-1"}')).toEqual({ outcome: 'not-needed' });
  });

  it.each(['', '{}', '{"tokens":{"refresh_token":"rt-secret"}}'])(
    'refuses %j without quoting it',
    async (text) => {
      const error = await refreshCodexLogin(text).catch((failure: unknown) => failure);
      expect(error).toMatchObject({ code: 'invalid-config' });
      expect(String(error)).not.toContain('rt-secret');
    },
  );

  it.each(['http://auth.example.com/', 'ftp://127.0.0.1/', 'nowhere', 'http://127.0.0.1.example.com/'])(
    'sends no token to %s',
    async (tokenUrl) => {
      await expect(refreshCodexLogin('{}', { tokenUrl })).rejects.toMatchObject({ code: 'invalid-config' });
    },
  );
});
