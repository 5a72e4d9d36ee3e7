import type { SeedLease, WriteBackOutcome } from '@seedbed/seeds';
import { describe, expect, test } from 'vitest';
import { openRotatingOAuth, type RotatingOAuth } from '../testing/index.ts';
import { lendLogin } from './lent-login.ts';

/** A lease whose store can be away. */
function leaseOf(authJson: string) {
  const saved: string[] = [];
  let isAway = false;
  const lease = {
    signal: new AbortController().signal,
    take: async (): Promise<Uint8Array> => new TextEncoder().encode(authJson),
    async writeBack(bytes: Uint8Array): Promise<WriteBackOutcome> {
      if (isAway) throw new Error('The store is away.');
      saved.push(new TextDecoder().decode(bytes));
      return { outcome: 'saved', generation: 'next' };
    },
  } satisfies Pick<SeedLease, 'signal' | 'take' | 'writeBack'>;
  const setAway = (away: boolean): void => {
    isAway = away;
  };
  return { lease, saved, setAway };
}

const refreshTokenOf = (authJson: string): unknown => JSON.parse(authJson).tokens.refresh_token;

async function spentBy({ audit }: RotatingOAuth): Promise<number> {
  return (await audit()).requests.filter(({ path }) => path === '/oauth/token').length;
}

describe('a login that is lent', () => {
  test('is refreshed once, however many ask at the same time', async () => {
    await using oauth = await openRotatingOAuth();
    const { lease, saved } = leaseOf(await oauth.logIn());
    await using lent = lendLogin(lease, { tokenUrl: oauth.tokenUrl });
    const first = await lent.tokens({ reason: 'start' });
    const [one, two] = await Promise.all([1, 2].map(() => lent.tokens({ reason: 'refused' })));
    expect(one).toEqual(two);
    expect(one?.accessToken).not.toBe(first?.accessToken);
    expect(await spentBy(oauth)).toBe(1);
    expect(saved).toHaveLength(1);
  });

  test('that could not be saved goes on, and is saved at the end', async () => {
    await using oauth = await openRotatingOAuth();
    const before = await oauth.logIn();
    const { lease, saved, setAway } = leaseOf(before);
    const lent = lendLogin(lease, { tokenUrl: oauth.tokenUrl });
    await lent.tokens({ reason: 'start' });
    setAway(true);
    expect(await lent.tokens({ reason: 'refused' })).toBeDefined();
    await expect(lent[Symbol.asyncDispose]()).rejects.toThrow('The store is away.');
    setAway(false);
    await lent[Symbol.asyncDispose]();
    expect(saved.map(refreshTokenOf)).not.toContain(refreshTokenOf(before));
    expect(saved).toHaveLength(1);
  });

  test('is waited for when it ends while the provider is asked', async () => {
    await using oauth = await openRotatingOAuth();
    const { lease, saved } = leaseOf(await oauth.logIn());
    const lent = lendLogin(lease, { tokenUrl: oauth.tokenUrl });
    await lent.tokens({ reason: 'start' });
    await oauth.fail({ type: 'hold', name: 'answer' });
    const asked = lent.tokens({ reason: 'refused' });
    await oauth.waitForRequests('/oauth/token');
    const ended = lent[Symbol.asyncDispose]();
    await oauth.release('answer');
    await Promise.all([asked, ended]);
    expect(saved).toHaveLength(1);
  });

  test('that is a key is not lent', async () => {
    const { lease } = leaseOf('{"auth_mode":"apikey","OPENAI_API_KEY":"sk-of-a-test"}');
    await using lent = lendLogin(lease, {});
    expect(await lent.tokens({ reason: 'start' })).toBeUndefined();
  });
});
