import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { beforeAll, describe, expect, test } from 'vitest';
import { codexBinary, downloadTimeout, supportedVersions } from '../../test/codex-binaries.ts';
import { type LoginGround, openLoginGround } from '../../test/codex-login.ts';
import type { RotatingOAuth } from '../testing/index.ts';
import { codexCredential } from './codex-credential.ts';
import { type LoginProbe, type ProbeLoginOptions, probeCodexLogin } from './probe-codex-login.ts';

beforeAll(() => Promise.all(supportedVersions.map(codexBinary)), downloadTimeout);

interface ProbePlace extends AsyncDisposable {
  readonly folder: string;
  probe(ground: LoginGround, authJson: string, more?: Partial<ProbeLoginOptions>): Promise<LoginProbe>;
}

async function openProbePlace(version: (typeof supportedVersions)[number]): Promise<ProbePlace> {
  const folder = await mkdtemp('/var/tmp/seedbed-probe-');
  const host = createLocalHost();
  return {
    folder,
    probe: async ({ model, oauth }, authJson, more = {}) =>
      await probeCodexLogin(host, authJson, {
        codex: hostPath(await codexBinary(version)),
        workdir: hostPath(join(folder, 'probe')),
        config: oauth.config(model.providerConfig()),
        env: oauth.environment('probe'),
        ...more,
      }),
    async [Symbol.asyncDispose]() {
      await host[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

describe.each(supportedVersions)('one turn of codex exec %s', (version) => {
  test('shows that a login works, gives what it became, and leaves nothing', async () => {
    await using place = await openProbePlace(version);
    await using ground = await openLoginGround();
    const before = await ground.oauth.logIn(undefined, { accessTokenMs: -1000 });
    const { authJson, outcome } = await place.probe(ground, before);
    expect(outcome).toBe('alive');
    const [previous, next] = [before, authJson ?? ''].map((text) => codexCredential.read(Buffer.from(text)));
    if (previous?.state !== 'logged-in' || next?.state !== 'logged-in')
      throw new Error('Both are logged in.');
    expect(codexCredential.succeeds(previous, next)).toBe(true);
    expect(next.generation).not.toBe(previous.generation);
    expect(await readdir(place.folder)).toEqual([]);
    expect(await place.probe(ground, authJson ?? '')).toEqual({ outcome: 'alive' });
  });

  test.each<[string, LoginProbe['outcome'], (oauth: RotatingOAuth) => Promise<void>]>([
    ['that a login is over', 'dead', (oauth) => oauth.revoke('account-1')],
    [
      'nothing when the provider is in trouble',
      'unknown',
      (oauth) => oauth.fail({ type: 'status', status: 503, times: 100 }),
    ],
    [
      'nothing when there is no answer',
      'unknown',
      (oauth) => oauth.fail({ type: 'hang', path: '/v1/responses', times: 100 }),
    ],
  ])('shows %s', async (_, outcome, happens) => {
    await using place = await openProbePlace(version);
    await using ground = await openLoginGround();
    const login = await ground.oauth.logIn();
    await ground.oauth.expireAccess('account-1');
    await happens(ground.oauth);
    // Long enough for all that Codex tries again.
    const timeoutMs = outcome === 'unknown' ? 5000 : 60_000;
    expect((await place.probe(ground, login, { timeoutMs })).outcome).toBe(outcome);
    expect(existsSync(join(place.folder, 'probe'))).toBe(false);
  });

  test('begins in no folder that is there', async () => {
    await using place = await openProbePlace(version);
    await using ground = await openLoginGround();
    const workdir = hostPath(place.folder);
    await expect(place.probe(ground, '{}', { workdir })).rejects.toMatchObject({ code: 'launch-failed' });
    expect(existsSync(place.folder)).toBe(true);
  });
});
