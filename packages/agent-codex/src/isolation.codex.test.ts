import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { beforeAll, describe, expect, it } from 'vitest';
import { codexBinary, downloadTimeout, supportedVersions } from '../test/codex-binaries.ts';
import { openLoggingProxy } from '../test/logging-proxy.ts';
import { openScriptedTask } from '../test/scripted-task.ts';

beforeAll(() => Promise.all(supportedVersions.map(codexBinary)), downloadTimeout);

const canary = 'canary-7f3a';

/** What the operator's shell may hold when the program starts. */
const operatorVariables = {
  OPENAI_API_KEY: `sk-${canary}-openai`,
  CODEX_API_KEY: `sk-${canary}-codex`,
  ANTHROPIC_API_KEY: `sk-${canary}-other`,
  AWS_SECRET_ACCESS_KEY: `${canary}-aws`,
  GITHUB_TOKEN: `ghp_${canary}`,
  DATABASE_PASSWORD: `${canary}-db`,
  npm_config__authToken: `${canary}-npm`,
};

async function fingerprint(folder: string): Promise<string> {
  const hash = createHash('sha256');
  for (const name of (await readdir(folder, { recursive: true })).sort()) {
    const path = join(folder, name);
    const { mtimeMs, mode } = await stat(path);
    hash.update(`${name} ${mode} ${mtimeMs}\n`);
    if ((await stat(path)).isFile()) hash.update(await readFile(path));
  }
  return hash.digest('hex');
}

describe.each(supportedVersions)('a task of Codex %s', (version) => {
  it('shows its commands nothing of the operator, and leaves the operator’s files as they are', async () => {
    const operator = await mkdtemp('/var/tmp/seedbed-operator-');
    await using stack = new AsyncDisposableStack();
    stack.defer(() => rm(operator, { recursive: true, force: true }));
    for (const [folder, file] of [
      ['.codex', 'auth.json'],
      ['.codex', 'config.toml'],
      ['.ssh', 'id_ed25519'],
      ['.aws', 'credentials'],
    ] as const) {
      await mkdir(join(operator, folder), { recursive: true });
      await writeFile(join(operator, folder, file), `${canary} = "${folder}"\n`);
    }
    await writeFile(join(operator, '.netrc'), canary);
    const before = await fingerprint(operator);
    const host = stack.use(
      createLocalHost({ env: { ...process.env, ...operatorVariables }, home: hostPath(operator) }),
    );
    const snoop = `env; tr '\\0' '\\n' < /proc/$PPID/environ; cat ${operator}/.codex/* ${operator}/.ssh/* ${operator}/.aws/* ${operator}/.netrc; cat "$HOME"/.codex/*; echo END`;
    const task = stack.use(
      await openScriptedTask({
        version,
        host,
        env: { PROVIDER_API_KEY: `${canary}-provider` },
        login: { type: 'api-key', apiKey: `sk-${canary}-login` },
        story: [[{ type: 'run', command: snoop, yieldMs: 30_000 }], [{ type: 'say', text: 'Done.' }]],
      }),
    );
    await task.conversation.run('Look around');
    const told = JSON.stringify(task.model.requests[1]?.input);
    expect(told).toContain('END');
    expect(told).not.toContain(canary);
    await task.conversation.end();
    expect(await fingerprint(operator)).toBe(before);
    const log = JSON.stringify(await Array.fromAsync(task.conversation.events()));
    expect(log).not.toContain(canary);
  });

  it('makes no connection but to its model', async () => {
    await using proxy = await openLoggingProxy();
    await using task = await openScriptedTask({
      version,
      env: { ...proxy.env, NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1' },
      story: [[{ type: 'run', command: 'true' }], [{ type: 'say', text: 'Done.' }]],
    });
    await task.conversation.run('Work');
    await task.conversation.models();
    await task.conversation.submit({ id: 'c', op: { type: 'compact' } });
    await task.conversation.end();
    expect(proxy.asked).toEqual([]);
    expect(task.model.refused).toEqual([]);
    expect(task.model.requests.length).toBeGreaterThan(1);
  });
});
