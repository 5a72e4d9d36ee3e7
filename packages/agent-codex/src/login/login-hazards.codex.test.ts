import { rm } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { codexBinary, downloadTimeout, supportedVersions } from '../../test/codex-binaries.ts';
import { nextTurn, openLoginGround } from '../../test/codex-login.ts';
import { failureOf, openCodexProcess } from '../../test/scripted-codex.ts';

beforeAll(() => Promise.all(supportedVersions.map(codexBinary)), downloadTimeout);

/** What Codex does to its own login: the reasons for which a seed has one holder at a time, and a journal. */
describe.each(supportedVersions)('a login of the real Codex %s is lost', (version) => {
  test('when two homes have it', async () => {
    await using ground = await openLoginGround();
    const { oauth } = ground;
    const login = await oauth.logIn();
    await using first = await ground.openHome(login);
    await using second = await ground.openHome(login);
    await using one = await openCodexProcess({ version, home: first });
    await using other = await openCodexProcess({ version, home: second });
    const [threadOfOne, threadOfOther] = [await one.startThread(), await other.startThread()];
    await oauth.expireAccess('account-1');
    expect(await nextTurn(one, threadOfOne)).toBe('completed');
    const ended = await other.turn(threadOfOther, 'Are you there?');
    expect(failureOf(ended)).toBe('unauthorized');
    // And the one who was first has lost it with the other.
    expect(failureOf(await one.turn(threadOfOne, 'Are you still there?'))).toBe('unauthorized');
    expect((await oauth.audit()).spentTwice).toHaveLength(1);
  });

  test('when an answer is cut off: it shows the token again', async () => {
    await using ground = await openLoginGround();
    const { oauth } = ground;
    await using home = await ground.openHome(await oauth.logIn());
    await using codex = await openCodexProcess({ version, home });
    const threadId = await codex.startThread();
    await oauth.expireAccess('account-1');
    await oauth.fail({ type: 'cut', when: 'done' });
    expect(failureOf(await codex.turn(threadId, 'Are you there?'))).toBe('unauthorized');
    expect((await oauth.audit()).spentTwice).toHaveLength(1);
  });

  test('when its file is taken away while it is being refreshed: the answer is dropped', async () => {
    await using ground = await openLoginGround();
    const { oauth } = ground;
    await using home = await ground.openHome(await oauth.logIn());
    await using codex = await openCodexProcess({ version, home });
    const threadId = await codex.startThread();
    await oauth.expireAccess('account-1');
    await oauth.fail({ type: 'hold', name: 'refresh' });
    const turn = codex.turn(threadId, 'Are you there?');
    await oauth.waitForRequests('/oauth/token');
    await rm(home.authJson);
    await oauth.release('refresh');
    expect((await turn).params.turn?.status).toBe('failed');
    await expect(home.read()).rejects.toMatchObject({ code: 'ENOENT' });
    expect((await oauth.audit()).refreshTokens.map(({ state }) => state)).toEqual(['spent', 'live']);
  });

  test('when it is renewed elsewhere while it is being refreshed: one of the two tokens is gone', async () => {
    await using ground = await openLoginGround();
    const { oauth } = ground;
    await using home = await ground.openHome(await oauth.logIn());
    await using codex = await openCodexProcess({ version, home });
    const threadId = await codex.startThread();
    await oauth.expireAccess('account-1');
    await oauth.fail({ type: 'hold', name: 'refresh' });
    const turn = codex.turn(threadId, 'Are you there?');
    await oauth.waitForRequests('/oauth/token');
    const put = await oauth.logIn();
    await home.replace(put);
    await oauth.release('refresh');
    expect((await turn).params.turn?.status).toBe('completed');
    // 0.142 writes over what was put there; 0.169 looks again, and keeps it.
    expect((await home.read()) === put).toBe(version === '0.169.0');
  });
});
