import { createServer } from 'node:http';
import { beforeAll, describe, expect, test } from 'vitest';
import { codexBinary, downloadTimeout, supportedVersions } from '../../test/codex-binaries.ts';
import { hostsUnderTest } from '../../test/hosts-under-test.ts';
import { openDrawer, openLoginSetup } from '../../test/login-setup.ts';
import { openRotatingOAuth } from '../testing/index.ts';
import { logInToCodex } from './log-in.ts';
import type { BrowserPrompt } from './log-in-by-browser.ts';

beforeAll(() => Promise.all(supportedVersions.map(codexBinary)), downloadTimeout);

/** What a browser does that somebody logs in with: gives the address that it is sent back to. */
async function logInAt({ url }: BrowserPrompt): Promise<string> {
  const { headers } = await fetch(url, { redirect: 'manual' });
  return headers.get('location') ?? '';
}

describe('somebody who logs in by browser', () => {
  test.each(hostsUnderTest())('$where is captured, and gone from there', async (where) => {
    await using setup = await openLoginSetup('0.169.0', where);
    await using oauth = await openRotatingOAuth({ accounts: [{ id: 'account-1' }] });
    await using seeds = openDrawer();
    {
      await using login = await logInToCodex({
        ...setup.options,
        config: oauth.config({}),
        method: {
          type: 'browser',
          issuer: oauth.issuer,
          onPrompt: async (prompt) => await prompt.finish(await logInAt(prompt)),
        },
      });
      expect(login.account).toMatchObject({ email: 'account-1@example.com' });
      await seeds.capture({ host: login.host, home: login.home, pool: 'team' });
    }
    expect(await seeds.list({ pool: 'team' })).toMatchObject([{ status: 'alive' }]);
    await setup.expectNothingLeft();
  });

  test('needs nothing else where the browser reaches Codex by itself', async () => {
    await using setup = await openLoginSetup('0.169.0');
    await using oauth = await openRotatingOAuth({ accounts: [{ id: 'account-1' }] });
    let finish: BrowserPrompt['finish'] | undefined;
    await using login = await logInToCodex({
      ...setup.options,
      config: oauth.config({}),
      method: {
        type: 'browser',
        issuer: oauth.issuer,
        async onPrompt(prompt) {
          const { url } = prompt;
          expect(new URL(url).origin).toBe(oauth.issuer);
          finish = prompt.finish;
          // The last page ends the login: Codex may be gone before it has sent it whole.
          await fetch(url).catch(() => undefined);
        },
      },
    });
    expect(login.account).toMatchObject({ email: 'account-1@example.com' });
    // By then the port may be anybody's.
    const late = finish?.('http://localhost:1455/auth/callback?code=secret');
    await expect(late).rejects.toMatchObject({ code: 'login-refused' });
  });

  test('finds Codex where it waits, also when that is another port than usual', async () => {
    const taker = createServer((_, response) => response.end());
    // Taken by this test, or by another program.
    await new Promise<void>((resolve) =>
      taker.once('error', () => resolve()).listen(1455, '127.0.0.1', resolve),
    );
    try {
      await using setup = await openLoginSetup('0.169.0');
      await using oauth = await openRotatingOAuth({ accounts: [{ id: 'account-1' }] });
      const ports: number[] = [];
      const onPrompt = async (prompt: BrowserPrompt): Promise<void> => {
        ports.push(prompt.callbackPort);
        await prompt.finish(await logInAt(prompt));
      };
      const method = { type: 'browser', issuer: oauth.issuer, onPrompt } as const;
      await using login = await logInToCodex({ ...setup.options, config: oauth.config({}), method });
      expect(login.account).toMatchObject({ email: 'account-1@example.com' });
      expect(ports).not.toContain(1455);
    } finally {
      taker.close();
    }
  });

  test.each([
    ['another machine', 'http://example.com:1455/auth/callback?code=secret'],
    ['another port', 'http://localhost:1456/auth/callback?code=secret'],
    ['another page', 'http://localhost:1455/cancel?code=secret'],
    ['no address', 'secret'],
  ])('is told that it is not the right address: %s', async (_, address) => {
    await using setup = await openLoginSetup('0.169.0');
    await using oauth = await openRotatingOAuth();
    const onPrompt = async (prompt: BrowserPrompt): Promise<void> => await prompt.finish(address);
    const method = { type: 'browser', issuer: oauth.issuer, onPrompt } as const;
    const failure = await logInToCodex({ ...setup.options, method }).catch((caught: unknown) => caught);
    expect(failure).toMatchObject({ code: 'invalid-answer' });
    expect(String(failure)).not.toContain('secret');
    await setup.expectNothingLeft();
  });

  test('and is refused gets the words of Codex', async () => {
    await using setup = await openLoginSetup('0.169.0');
    await using oauth = await openRotatingOAuth();
    const onPrompt = async (prompt: BrowserPrompt): Promise<void> => {
      const back = new URL(await logInAt(prompt));
      back.searchParams.delete('code');
      back.searchParams.set('error', 'access_denied');
      await prompt.finish(back.href);
    };
    const method = { type: 'browser', issuer: oauth.issuer, onPrompt } as const;
    await expect(logInToCodex({ ...setup.options, method })).rejects.toMatchObject({
      code: 'login-refused',
      message: expect.stringContaining('Codex did not log in by browser: '),
    });
    await setup.expectNothingLeft();
  });

  test('may give up, and may take too long', async () => {
    await using setup = await openLoginSetup('0.169.0');
    await using oauth = await openRotatingOAuth();
    const abort = new AbortController();
    const browser = { type: 'browser', issuer: oauth.issuer } as const;
    const givenUp = logInToCodex({
      ...setup.options,
      method: { ...browser, onPrompt: () => abort.abort() },
      signal: abort.signal,
    });
    await expect(givenUp).rejects.toMatchObject({ code: 'aborted' });
    await setup.expectNothingLeft();
    const late = logInToCodex({
      ...setup.options,
      method: { ...browser, onPrompt: () => undefined },
      deadlineMs: 5_000,
    });
    await expect(late).rejects.toMatchObject({ code: 'login-expired' });
    await setup.expectNothingLeft();
  });

  test('is told when another login on the same host takes its place', async () => {
    await using setup = await openLoginSetup('0.169.0');
    await using other = await openLoginSetup('0.169.0');
    await using oauth = await openRotatingOAuth({ accounts: [{ id: 'account-1' }] });
    const config = oauth.config({});
    const browser = { type: 'browser', issuer: oauth.issuer } as const;
    const shown = Promise.withResolvers<void>();
    const first = logInToCodex({
      ...{ ...setup.options, config, method: { ...browser, onPrompt: () => shown.resolve() } },
    }).catch((failure: unknown) => failure);
    await shown.promise;
    const onPrompt = async (prompt: BrowserPrompt): Promise<void> =>
      await prompt.finish(await logInAt(prompt));
    await using second = await logInToCodex({ ...other.options, config, method: { ...browser, onPrompt } });
    expect(second.account).toMatchObject({ email: 'account-1@example.com' });
    expect(await first).toMatchObject({ code: 'login-refused' });
    await setup.expectNothingLeft();
  });

  test('of a version that asks one issuer alone is told so, where another is named', async () => {
    await using setup = await openLoginSetup('0.142.5');
    await using oauth = await openRotatingOAuth();
    const method = { type: 'browser', issuer: oauth.issuer, onPrompt: () => undefined } as const;
    await expect(logInToCodex({ ...setup.options, method })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('https://auth.openai.com'),
    });
    await setup.expectNothingLeft();
  });
});
