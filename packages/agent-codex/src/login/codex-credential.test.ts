import type { Credential } from '@seedbed/seeds';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openRotatingOAuth } from '../testing/index.ts';
import { codexCredential } from './codex-credential.ts';
import { refreshCodexLogin } from './refresh-codex-login.ts';

const bytesOf = (content: unknown): Uint8Array =>
  Buffer.from(typeof content === 'string' ? content : JSON.stringify(content));

function loggedIn(content: unknown): Credential {
  const reading = codexCredential.read(bytesOf(content));
  if (reading.state !== 'logged-in') throw new Error(`It is ${reading.state}.`);
  return reading;
}

const jwt = (claims: unknown): string =>
  `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;

const chatgpt = (tokens: Record<string, unknown>, rest: Record<string, unknown> = {}): unknown => ({
  auth_mode: 'chatgpt',
  OPENAI_API_KEY: null,
  tokens: { id_token: jwt({}), access_token: jwt({}), refresh_token: 'rt', account_id: 'acc', ...tokens },
  ...rest,
});

describe('an auth.json as a credential', () => {
  it('says whose it is, until when, and that it rotates', () => {
    const auth = {
      'https://api.openai.com/auth': { chatgpt_account_id: 'acc', chatgpt_plan_type: 'plus' },
    };
    const content = chatgpt({
      id_token: jwt({ email: 'ada@example.com', name: 'Ada', ...auth }),
      access_token: jwt({ iat: 1000, exp: 2000, ...auth }),
    });
    expect(loggedIn(content)).toMatchObject({
      account: 'acc',
      rotates: true,
      refreshedAtMs: 1_000_000,
      expiresAtMs: 2_000_000,
      summary: { email: 'ada@example.com', name: 'Ada', plan: 'plus' },
      generation: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  it('holds no secret, and names equal tokens equally', () => {
    const one = loggedIn(chatgpt({ refresh_token: 'rt-secret' }));
    expect(JSON.stringify(one)).not.toContain('rt-secret');
    expect(loggedIn(chatgpt({ refresh_token: 'rt-secret', access_token: jwt({ exp: 5 }) })).generation).toBe(
      one.generation,
    );
    expect(loggedIn(chatgpt({ refresh_token: 'rt-other' })).generation).not.toBe(one.generation);
    // The same text as a key is another secret.
    expect(loggedIn({ auth_mode: 'apikey', OPENAI_API_KEY: 'rt-secret' }).generation).not.toBe(
      one.generation,
    );
  });

  it('takes the time that Codex wrote where the tokens name none', () => {
    const content = chatgpt({}, { last_refresh: '2026-11-28T02:27:50.034415012Z' });
    expect(loggedIn(content).refreshedAtMs).toBe(Date.parse('2026-11-28T02:27:50.034Z'));
    expect(loggedIn(chatgpt({}, { last_refresh: 'yesterday' }))).not.toHaveProperty('refreshedAtMs');
  });

  it('reads a key as a login that does not rotate', () => {
    for (const content of [{ auth_mode: 'apikey', OPENAI_API_KEY: 'sk-1' }, { OPENAI_API_KEY: 'sk-1' }])
      expect(loggedIn(content)).toMatchObject({ rotates: false });
  });

  it.each([
    ['{}', {}],
    ['no tokens', { auth_mode: 'chatgpt', tokens: null }],
    ['an empty key', { auth_mode: 'apikey', OPENAI_API_KEY: ' ' }],
  ])('sees a log-out in %s', (_, content) => {
    expect(codexCredential.read(bytesOf(content))).toEqual({ state: 'logged-out' });
  });

  it.each([
    ['nothing', ''],
    ['half of it', JSON.stringify(chatgpt({})).slice(0, 60)],
    ['a list', []],
    ['a token that is missing', chatgpt({ refresh_token: '' })],
    ['tokens that Codex was only lent', { ...(chatgpt({}) as object), auth_mode: 'chatgptAuthTokens' }],
    ['a file of any size', JSON.stringify({ OPENAI_API_KEY: 'x'.repeat(300_000) })],
  ])('cannot read %s', (_, content) => {
    expect(codexCredential.read(bytesOf(content))).toMatchObject({ state: 'unreadable' });
  });

  it('never throws, and never quotes what it could not read', () => {
    const whole = Buffer.from(JSON.stringify(chatgpt({ refresh_token: 'rt-very-secret' })));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 300 }),
          fc.nat(whole.length).map((length) => whole.subarray(0, length)),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          expect(JSON.stringify(codexCredential.read(bytes))).not.toContain('rt-very');
        },
      ),
    );
  });
});

describe('a successor', () => {
  const at = (
    iat: number,
    more: Record<string, unknown> = {},
    auth: Record<string, unknown> = {},
  ): Credential =>
    loggedIn(
      chatgpt({
        access_token: jwt({ iat, 'https://api.openai.com/auth': auth }),
        refresh_token: `rt-${iat}`,
        ...more,
      }),
    );

  it('is what a refresh made of it', async () => {
    await using oauth = await openRotatingOAuth();
    const before = await oauth.logIn();
    const result = await refreshCodexLogin(before, { tokenUrl: oauth.tokenUrl });
    if (result.outcome !== 'refreshed') throw new Error(`It is ${result.outcome}.`);
    const [previous, next] = [loggedIn(before), loggedIn(result.authJson)];
    expect(codexCredential.succeeds(previous, next)).toBe(true);
    expect(next.generation).not.toBe(previous.generation);
    expect(next.account).toBe(previous.account);
  });

  it('is one whatever the clocks say: what it came out of is known from where it was', () => {
    expect(codexCredential.succeeds(at(2000), at(1000))).toBe(true);
    expect(codexCredential.succeeds(at(1000), at(1000, { refresh_token: 'rt-b' }))).toBe(true);
  });

  it('belongs to the same account, and to the same member of it, where both say so', () => {
    expect(codexCredential.succeeds(at(1), at(2, { account_id: null }))).toBe(true);
    expect(codexCredential.succeeds(at(1), at(2, { account_id: 'other' }))).toBe(false);
    const [ada, grace] = [{ chatgpt_user_id: 'ada' }, { chatgpt_user_id: 'grace' }];
    expect(codexCredential.succeeds(at(1, {}, ada), at(2, {}, grace))).toBe(false);
    expect(codexCredential.succeeds(at(1, {}, ada), at(2, {}, ada))).toBe(true);
    expect(codexCredential.succeeds(at(1, {}, ada), at(2))).toBe(true);
  });

  it('is not another way of logging in', () => {
    const [one, two] = ['sk-1', 'sk-2'].map((key) => loggedIn({ OPENAI_API_KEY: key }));
    if (one === undefined || two === undefined) throw new Error('There are two.');
    expect(codexCredential.succeeds(at(1), one)).toBe(false);
    expect(codexCredential.succeeds(one, two)).toBe(false);
    expect(codexCredential.succeeds(one, one)).toBe(true);
  });
});
