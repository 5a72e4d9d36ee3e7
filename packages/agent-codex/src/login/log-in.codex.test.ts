import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { codexBinary, downloadTimeout, supportedVersions } from '../../test/codex-binaries.ts';
import { hostsUnderTest } from '../../test/hosts-under-test.ts';
import { openDrawer, openLoginSetup } from '../../test/login-setup.ts';
import { type OAuthFault, openRotatingOAuth } from '../testing/index.ts';
import type { DevicePrompt } from './device-prompt.ts';
import { logInToCodex } from './log-in.ts';

beforeAll(() => Promise.all(supportedVersions.map(codexBinary)), downloadTimeout);

const hosts = hostsUnderTest();

const nobody = (): never => {
  throw new Error('Nobody is asked.');
};

describe.each(supportedVersions)('somebody who logs in with the real Codex %s', (version) => {
  test.each(hosts)('by device code $where is captured, and gone from there', async (where) => {
    await using setup = await openLoginSetup(version, where);
    await using oauth = await openRotatingOAuth({
      approveDevices: 'nobody',
      accounts: [{ id: 'account-1' }],
    });
    await using seeds = openDrawer();
    const shown: DevicePrompt[] = [];
    {
      await using login = await logInToCodex({
        ...setup.options,
        config: { ...oauth.config({}), cli_auth_credentials_store: 'keyring' },
        method: {
          type: 'device',
          issuer: oauth.issuer,
          async onPrompt(prompt) {
            shown.push(prompt);
            await oauth.approveDevice(prompt.code);
          },
        },
      });
      expect(login.account).toMatchObject({ email: 'account-1@example.com' });
      const { host, home } = login;
      expect((await stat(join(home, '.codex/auth.json'))).mode & 0o777).toBe(0o600);
      const configToml = await readFile(join(home, '.codex/config.toml'), 'utf8');
      expect(configToml).toContain('cli_auth_credentials_store = "file"');
      expect(await seeds.capture({ host, home, pool: 'team' })).toEqual(expect.any(String));
    }
    expect(shown).toEqual([
      { url: `${oauth.issuer}/codex/device`, code: expect.stringMatching(/^[A-Z]{4}-[A-Z]{4}$/) },
    ]);
    expect(await seeds.list({ pool: 'team' })).toMatchObject([
      { status: 'alive', account: { email: 'account-1@example.com' } },
    ]);
    await setup.expectNothingLeft();
  });

  test('by an API key has given it to Codex and to nobody else', async () => {
    await using setup = await openLoginSetup(version);
    const method = { type: 'api-key', apiKey: 'sk-of-a-test' } as const;
    {
      await using login = await logInToCodex({ ...setup.options, method });
      const authJson = join(login.home, '.codex/auth.json');
      expect(JSON.parse(await readFile(authJson, 'utf8'))).toMatchObject({ OPENAI_API_KEY: 'sk-of-a-test' });
      expect((await stat(authJson)).mode & 0o777).toBe(0o600);
    }
    await setup.expectNothingLeft();
  });

  const refusals: readonly (readonly [string, OAuthFault])[] = [
    ['device codes are not offered', { type: 'status', status: 404, path: '/usercode' }],
    ['a web page answers', { type: 'html', path: '/usercode' }],
    ['it is refused', { type: 'status', status: 401, path: '/deviceauth/token' }],
    ['no tokens come out of it', { type: 'status', status: 400 }],
  ];
  test.each(refusals)('is told in the words of Codex that %s', async (_, fault) => {
    await using setup = await openLoginSetup(version);
    await using oauth = await openRotatingOAuth();
    await oauth.fail(fault);
    const method = { type: 'device', issuer: oauth.issuer, onPrompt: () => undefined } as const;
    await expect(logInToCodex({ ...setup.options, method })).rejects.toMatchObject({
      code: 'login-refused',
      message: expect.stringMatching(/device code \(exit code 1\): Error logging in/),
    });
    await setup.expectNothingLeft();
  });

  test('may give up, and may take too long', async () => {
    await using setup = await openLoginSetup(version);
    await using oauth = await openRotatingOAuth({ approveDevices: 'nobody' });
    const abort = new AbortController();
    const device = { type: 'device', issuer: oauth.issuer } as const;
    const givenUp = logInToCodex({
      ...setup.options,
      signal: abort.signal,
      method: { ...device, onPrompt: () => abort.abort() },
    });
    await expect(givenUp).rejects.toMatchObject({ code: 'aborted' });
    await setup.expectNothingLeft();
    const late = logInToCodex({ ...setup.options, deadlineMs: 1, method: { ...device, onPrompt: nobody } });
    await expect(late).rejects.toMatchObject({ code: 'login-expired' });
    await setup.expectNothingLeft();
  });
});

describe('a login', () => {
  const version = '0.169.0';

  test('ends with what the program failed with when it was to show the code', async () => {
    await using setup = await openLoginSetup(version);
    await using oauth = await openRotatingOAuth({ approveDevices: 'nobody' });
    const method = { type: 'device', issuer: oauth.issuer, onPrompt: nobody } as const;
    await expect(logInToCodex({ ...setup.options, method })).rejects.toThrow('Nobody is asked.');
    await setup.expectNothingLeft();
  });

  test('is refused before anything is started where it could not be kept apart, or would go astray', async () => {
    await using setup = await openLoginSetup(version);
    const { options, workdir } = setup;
    const device = { type: 'device', onPrompt: nobody } as const;
    await expect(
      logInToCodex({ ...options, method: { ...device, issuer: 'http://evil.example' } }),
    ).rejects.toMatchObject({ code: 'invalid-config', message: expect.stringContaining('method.issuer') });
    await expect(
      logInToCodex({ ...options, method: { type: 'api-key', apiKey: 'two words' } }),
    ).rejects.toMatchObject({ code: 'invalid-config', message: expect.not.stringContaining('two words') });
    await expect(
      logInToCodex({ ...options, workdir: join(workdir, '..'), method: device }),
    ).rejects.toMatchObject({
      code: 'launch-failed',
    });
    await setup.expectNothingLeft();
  });
});
