import { beforeAll, expect, test } from 'vitest';
import { codexBinary, downloadTimeout, supportedVersions } from '../../test/codex-binaries.ts';
import { type CodexProcess, openCodexHome, openCodexProcess } from '../../test/scripted-codex.ts';
import { fakeAppServerCommand } from './fake-app-server-command.ts';
import { openScriptedModel } from './scripted-model.ts';

beforeAll(() => Promise.all(supportedVersions.map(codexBinary)), downloadTimeout);

/** The names of all members, those of members included; items of lists are not looked into. */
function memberPaths(value: unknown, prefix = ''): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const path = `${prefix}.${name}`;
    return [path, ...memberPaths(member, path)];
  });
}

/** What one conversation shows of an app-server: results by method, notifications by method. */
async function shapesOf(codex: CodexProcess, cwd: string): Promise<Map<string, Set<string>>> {
  const shapes = new Map<string, Set<string>>();
  const add = (name: string, value: unknown): void => {
    shapes.set(name, new Set([...(shapes.get(name) ?? []), ...memberPaths(value)]));
  };
  const policy = { cwd, approvalPolicy: 'never', sandbox: 'read-only' };
  const started = await codex.request('thread/start', policy);
  add('result of thread/start', started);
  const { id: threadId } = started['thread'] as { id: string };
  const ended = codex.next(({ method }) => method === 'turn/completed');
  add(
    'result of turn/start',
    await codex.request('turn/start', { threadId, input: [{ type: 'text', text: 'Hi.' }] }),
  );
  await ended;
  add('result of model/list', await codex.request('model/list', {}));
  for (const { method, params } of codex.messages) add(method, params);
  return shapes;
}

test.each(supportedVersions)(
  'a fake app-server says nothing that the real Codex %s would not',
  async (version) => {
    await using model = await openScriptedModel({
      story: { replies: [{ steps: [{ type: 'say', text: 'Hello.', delivery: { characters: 2 } }] }] },
    });
    await using home = await openCodexHome(model.providerConfig());
    await using real = await openCodexProcess({ version, home });
    await using fake = await openCodexProcess({
      version,
      home,
      argv: fakeAppServerCommand({ version }).argv,
    });
    const known = await shapesOf(real, home.workspace);
    for (const [name, members] of await shapesOf(fake, home.workspace)) {
      expect(
        [...members].filter((member) => !known.get(name)?.has(member)),
        name,
      ).toEqual([]);
    }
  },
);
