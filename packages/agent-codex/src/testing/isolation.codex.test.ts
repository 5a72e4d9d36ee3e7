import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, test } from 'vitest';
import { codexBinary, downloadTimeout, supportedVersions } from '../../test/codex-binaries.ts';
import { openLoggingProxy } from '../../test/logging-proxy.ts';
import { openCodexHome, playStory } from '../../test/scripted-codex.ts';
import { openScriptedModel } from './scripted-model.ts';

beforeAll(() => Promise.all(supportedVersions.map(codexBinary)), downloadTimeout);

describe.each(supportedVersions)('the real Codex %s', (version) => {
  test('calls nobody but the scripted model', async () => {
    await using proxy = await openLoggingProxy();
    await using played = await playStory(
      version,
      { replies: [{ steps: [{ type: 'run', command: 'true' }] }] },
      { env: { ...proxy.env, NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1' } },
    );
    expect((await played.codex.turn(played.threadId, 'Work.')).params.turn?.status).toBe('completed');
    await played.codex.request('model/list', {});
    expect(proxy.asked).toEqual([]);
    expect(played.model.refused).toEqual([]);
  });

  test('would be seen by that proxy if it called out', async () => {
    await using proxy = await openLoggingProxy();
    await using played = await playStory(
      version,
      { replies: [] },
      { env: proxy.env, provider: { retries: 0 } },
    );
    await played.codex.turn(played.threadId, 'Work.');
    expect(proxy.asked).toContain(`POST ${played.model.url}/responses`);
  });

  test('plays a story through codex exec', async () => {
    await using model = await openScriptedModel({
      story: {
        replies: [
          { steps: [{ type: 'run', command: 'echo here' }] },
          { steps: [{ type: 'say', text: 'Bye.' }] },
        ],
      },
    });
    await using home = await openCodexHome(model.providerConfig());
    const args = ['exec', '--json', '--skip-git-repo-check', 'Work.'];
    const child = spawn(await codexBinary(version), args, {
      cwd: home.workspace,
      env: home.env,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
    const events = output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(child.exitCode).toBe(0);
    expect(events).toContainEqual(
      expect.objectContaining({ item: expect.objectContaining({ text: 'Bye.' }) }),
    );
    expect(model.requests[1]?.input.at(-1)).toMatchObject({ text: expect.stringContaining('here') });
  });

  test('leaves a transcript that people can read', async () => {
    await using played = await playStory(
      version,
      {
        replies: [
          {
            steps: [
              { type: 'say', text: 'I look.' },
              { type: 'run', command: 'echo seen' },
            ],
          },
          { when: { afterTool: 'exec_command' }, steps: [{ type: 'say', text: 'Seen.' }] },
        ],
      },
      { requireKey: 'key-of-the-test-0123456789' },
    );
    await played.codex.turn(played.threadId, 'The key is key-of-the-test-0123456789.');
    const transcript = played.model.transcript().replace(/^ {3}(tools|instructions):.*$/gm, '   $1: …');
    expect(transcript).toMatchSnapshot();
  });
});
