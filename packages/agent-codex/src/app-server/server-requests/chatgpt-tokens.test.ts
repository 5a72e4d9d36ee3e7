import { describe, expect, it } from 'vitest';
import { hostTokensOf, lendParams } from '../../login/host-tokens.ts';
import { openRotatingOAuth } from '../../testing/index.ts';
import { answerServerRequest } from './answer-server-request.ts';
import type { HostTokens, ServerRequestDesk } from './server-request.ts';

const refuse = (): never => {
  throw new Error('Nobody is asked here.');
};

const desk = (freshTokens?: ServerRequestDesk['freshTokens']): ServerRequestDesk => ({
  approve: refuse,
  ask: refuse,
  announcedChanges: refuse,
  legacyDenial: 'denied',
  interrupt: refuse,
  now: Date.now,
  ...(freshTokens === undefined ? {} : { freshTokens }),
});

const ask = async (answering: ServerRequestDesk, params: unknown): Promise<unknown> =>
  await answerServerRequest('account/chatgptAuthTokens/refresh', params, answering);

const lent: HostTokens = { accessToken: 'at', account: 'acc', plan: 'pro' };
const params = { reason: 'unauthorized', previousAccountId: 'acc' };

describe('a Codex that has no login of its own', () => {
  it('is given a fresh access token of its account', async () => {
    const asked: unknown[] = [];
    const answering = desk(async (account) => {
      asked.push(account);
      return lent;
    });
    expect(await ask(answering, params)).toEqual({
      accessToken: 'at',
      chatgptAccountId: 'acc',
      chatgptPlanType: 'pro',
    });
    expect(await ask(answering, { reason: 'unauthorized', previousAccountId: null })).toBeDefined();
    expect(asked).toEqual(['acc', undefined]);
  });

  it('is refused where there is none, or only that of somebody else', async () => {
    const other = desk(async () => ({ ...lent, account: 'other' }));
    for (const [answering, rpcCode] of [
      [desk(), -32601],
      [desk(async () => undefined), -32603],
      [other, -32603],
    ] as const)
      await expect(ask(answering, params)).rejects.toMatchObject({ rpcCode });
    await expect(ask(other, 'nothing')).rejects.toMatchObject({ rpcCode: -32602 });
  });

  it('is lent an access token, and never the refresh token', async () => {
    await using oauth = await openRotatingOAuth();
    const authJson = await oauth.logIn();
    const { access_token, refresh_token } = JSON.parse(authJson).tokens;
    const tokens = hostTokensOf(authJson);
    expect(tokens).toEqual({ accessToken: access_token, account: 'account-1', plan: 'pro' });
    expect(JSON.stringify(tokens && lendParams(tokens))).not.toContain(refresh_token);
    expect(hostTokensOf('{"OPENAI_API_KEY":"sk"}')).toBeUndefined();
  });
});
