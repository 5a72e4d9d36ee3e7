import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ensureIndexes } from '@seedbed/blob-store/gridfs';
import type { ConversationState } from '@seedbed/conversation-protocol';
import { type Host, hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { processesWithEnvironment } from '@seedbed/host/testing';
import { describeOnMongodb, openTestDatabase } from '@seedbed/mongodb-server';
import type { Snapshots } from '@seedbed/snapshots';
import { describe, expect, it } from 'vitest';
import { codexBinary, type SupportedVersion, supportedVersions } from '../../test/codex-binaries.ts';
import { hostsUnderTest } from '../../test/hosts-under-test.ts';
import { killIfThere } from '../../test/kill-if-there.ts';
import type { SessionChildPlan } from '../../test/session-child.ts';
import { openSessionTask, openTasksFolder } from '../../test/session-task.ts';
import { openSnapshotStore, type StorePlace } from '../../test/snapshot-store.ts';
import { openScriptedModel } from '../testing/index.ts';

const hosts = hostsUnderTest();

async function hostAt(where: 'on this machine' | 'through SSH'): Promise<Host> {
  const found = hosts.find((each) => each.where === where);
  if (found === undefined) throw new Error(`There is no host ${where}.`);
  return await found.host();
}

// 0.142.5 does not always tell what a command prints in its first moment.
const story = {
  run: 'shared',
  replies: [
    { steps: [{ type: 'run', command: 'printf one > one.txt && sleep 1 && cat one.txt', yieldMs: 20_000 }] },
    { steps: [{ type: 'say', text: 'The first file is written.' }] },
    {
      steps: [
        {
          type: 'run',
          command: 'printf two >> one.txt && mkdir -p sub && cp one.txt sub/copy',
          yieldMs: 20_000,
        },
      ],
    },
    { steps: [{ type: 'say', text: 'The second part is written.' }] },
    { steps: [{ type: 'say', text: 'The third turn has nothing to do.' }] },
    { steps: [{ type: 'run', command: 'sleep 1; cat sub/copy', yieldMs: 20_000 }] },
    { steps: [{ type: 'say', text: 'It is all still there.' }] },
  ],
} as const;

const finals = ({ turns }: ConversationState): readonly string[] =>
  turns.flatMap(({ items }) => items.flatMap((item) => (item.kind === 'agent-message' ? [item.text] : [])));

/** A program that runs turns, and is killed with its Codex as soon as the last of them is saved. */
async function runTurnsAndKill(plan: SessionChildPlan): Promise<string> {
  const program = join(import.meta.dirname, '../../test/session-child.ts');
  const child = spawn(process.execPath, ['--conditions', 'development', program, JSON.stringify(plan)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'waiting') break;
    lines.push(line);
  }
  const closed = once(child, 'close');
  await using host = createLocalHost();
  const ofCodex = () => processesWithEnvironment(host, `SEEDBED_TEST=${plan.mark}`);
  const found = await ofCodex();
  // First, or it could still save what it is to lose when it sees its Codex end.
  child.kill('SIGKILL');
  for (const { pid } of found) killIfThere(pid);
  await closed;
  // What is dying still writes, and holds its locks.
  await expect.poll(ofCodex, { timeout: 30_000 }).toEqual([]);
  expect(lines).toHaveLength(plan.turns.length);
  return lines[0]?.split(' ')[1] ?? '';
}

/** Three turns on one host; everything there is killed and removed; a fourth on another, by a program that was not there before. */
async function threeTurnsAndOneMore(version: SupportedVersion, place: StorePlace): Promise<void> {
  await using folder = await openTasksFolder();
  await using model = await openScriptedModel({ story });
  await using store = await openSnapshotStore(place);
  const threadId = await runTurnsAndKill({
    ...{ store: place, version, codex: await codexBinary(version), workdir: join(folder.path, 'first') },
    ...{ config: model.providerConfig({ offerAllTools: true }), env: model.env, mark: randomUUID() },
    ...{
      brief: 'Write the files.',
      turns: ['Write the first file.', 'Write the second part.', 'Do nothing.'],
    },
  });
  await rm(join(folder.path, 'first'), { recursive: true, force: true });

  await using second = await openSessionTask({
    ...{ version, model, folder: folder.path, name: 'second', host: await hostAt('through SSH') },
    brief: 'Write the files, and then read them.',
    snapshots: { store: store.snapshots, quietMs: 20 },
  });
  expect(second.resumed).toMatchObject({
    ...{ workdir: 'restored', thread: 'resumed', differences: [], briefChanged: true },
  });
  expect(second.conversation.threadId).toBe(threadId);
  const late = second.conversation.state();
  expect(finals(late)).toEqual([
    'The first file is written.',
    'The second part is written.',
    'The third turn has nothing to do.',
  ]);
  expect(late).toMatchObject({ status: 'idle', resumed: true, closed: undefined });
  expect(await readFile(join(folder.path, 'second/sub/copy'), 'utf8')).toBe('onetwo');

  const { outcome, finalMessage } = await second.conversation.run('Is it still there?');
  expect([outcome, finalMessage]).toEqual([{ status: 'completed' }, 'It is all still there.']);
  const lastRequest = JSON.stringify(model.requests.at(-1)?.input);
  for (const said of ['Write the first file.', 'The second part is written.', 'System: this task goes on'])
    expect(lastRequest).toContain(said);
  const command = second.conversation
    .state()
    .turns.at(-1)
    ?.items.find(({ kind }) => kind === 'command');
  expect(command).toMatchObject({ output: expect.stringContaining('onetwo') });
  expect(await readFile(join(folder.path, 'second/resume.log'), 'utf8')).toMatch(
    /RESUMED: from snapshot \d+ .*thread resumed\.\n.*REFRESHED: AGENTS\.md/,
  );
  expect(await readFile(join(folder.path, 'second/AGENTS.md'), 'utf8')).toContain('and then read them');

  const end = await second.end();
  expect(end).toMatchObject({ state: 'done', failures: [], snapshot: { unstable: [] } });
  const { facts, entries } = await store.snapshots.show({ task: 'task-1' });
  expect(facts).toMatchObject({ threadId, codexVersion: version });
  const paths = entries.map(({ path }) => path);
  expect(paths.filter((path) => /rollout-.*\.jsonl$/.test(path))).not.toEqual([]);
  expect(paths.filter((path) => /auth\.json|\.sqlite/.test(path))).toEqual([]);
}

describe.each(supportedVersions)('Codex %s goes on', (version) => {
  it('on another host, from an embedded store', { timeout: 120_000 }, async () => {
    await using store = await openTasksFolder();
    await threeTurnsAndOneMore(version, { kind: 'embedded', folder: store.path });
  });
});

describe.each(supportedVersions)('Codex %s goes on where it was killed', (version) => {
  it('with the turns that no snapshot holds, for a late viewer and for the model', {
    timeout: 120_000,
  }, async () => {
    await using folder = await openTasksFolder();
    await using model = await openScriptedModel({ story });
    await using place = await openTasksFolder();
    const where = { kind: 'embedded', folder: place.path } as const;
    await using store = await openSnapshotStore(where);
    const threadId = await runTurnsAndKill({
      ...{ store: where, version, codex: await codexBinary(version), workdir: join(folder.path, 'work') },
      ...{ config: model.providerConfig({ offerAllTools: true }), env: model.env, mark: randomUUID() },
      ...{ turns: ['Write the first file.'], unsaved: ['Write the second part.', 'Do nothing.'] },
    });
    const sessions = { version, model, folder: folder.path, snapshots: { store: store.snapshots } } as const;
    const said = [
      'The first file is written.',
      'The second part is written.',
      'The third turn has nothing to do.',
    ];
    {
      // One that is killed at once, before anything of its own is saved, loses nothing of it either.
      await using session = await openSessionTask({
        ...sessions,
        snapshots: { ...sessions.snapshots, afterTurns: false },
      });
      expect(session.resumed).toMatchObject({ workdir: 'kept', thread: 'resumed' });
      expect(session.conversation.threadId).toBe(threadId);
      const late = session.conversation.state();
      expect(finals(late)).toEqual(said);
      expect(late.turns.map(({ outcome }) => outcome?.status)).toEqual([
        'completed',
        'completed',
        'completed',
      ]);
      const commands = late.turns.flatMap(({ items }) => items.filter(({ kind }) => kind === 'command'));
      expect(commands).toMatchObject([{ output: 'one' }, { status: 'completed' }]);
      const { finalMessage } = await session.conversation.run('Is it still there?');
      expect(finalMessage).toBe('It is all still there.');
      expect(JSON.stringify(model.requests.at(-1)?.input)).toContain('The third turn has nothing to do.');
    }
    await rm(join(folder.path, 'work'), { recursive: true, force: true });
    await using elsewhere = await openSessionTask({ ...sessions, name: 'elsewhere' });
    expect(elsewhere.resumed).toMatchObject({ workdir: 'restored', thread: 'resumed' });
    expect(finals(elsewhere.conversation.state())).toEqual([...said, 'It is all still there.']);
  });
});

describe.each(supportedVersions)(
  'Codex %s goes on where it was killed before anything was saved',
  (version) => {
    it('with its turns, in the same thread', { timeout: 120_000 }, async () => {
      await using folder = await openTasksFolder();
      await using model = await openScriptedModel({ story });
      await using place = await openTasksFolder();
      const where = { kind: 'embedded', folder: place.path } as const;
      await using store = await openSnapshotStore(where);
      await runTurnsAndKill({
        ...{ store: where, version, codex: await codexBinary(version), workdir: join(folder.path, 'work') },
        ...{ config: model.providerConfig({ offerAllTools: true }), env: model.env, mark: randomUUID() },
        ...{ turns: [], unsaved: ['Write the first file.', 'Write the second part.'] },
      });
      expect(await store.snapshots.list('task-1')).toEqual([]);
      const sessions = {
        version,
        model,
        folder: folder.path,
        // The one of its end is to be the first, however long that takes.
        snapshots: { store: store.snapshots, afterTurns: false },
      } as const;
      await using session = await openSessionTask(sessions);
      expect(session.resumed).toMatchObject({
        number: 0,
        workdir: 'kept',
        thread: 'resumed',
        differences: [],
      });
      expect(finals(session.conversation.state())).toEqual([
        'The first file is written.',
        'The second part is written.',
      ]);
      await session.conversation.run('Do nothing.');
      const told = JSON.stringify(model.requests.at(-1)?.input);
      for (const said of ['Write the second part.', 'It was cut off at']) expect(told).toContain(said);
      expect(await session.end()).toMatchObject({ failures: [], snapshot: { snapshot: { number: 1 } } });
    });
  },
);

describeOnMongodb('a task in MongoDB', (database) => {
  it.each(supportedVersions)(
    'goes on on another host, with Codex %s',
    { timeout: 120_000 },
    async (version) => {
      await using own = await openTestDatabase(database().uri);
      await ensureIndexes(own.db);
      await threeTurnsAndOneMore(version, {
        ...{ kind: 'mongodb', uri: database().uri, database: own.db.databaseName },
      });
    },
  );
});

/** A place for snapshots in a folder that goes with the test. */
async function embeddedStore(): Promise<{ readonly snapshots: Snapshots } & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await openTasksFolder());
  const { snapshots } = stack.use(await openSnapshotStore({ kind: 'embedded', folder: path }));
  const ended = stack.move();
  return { snapshots, [Symbol.asyncDispose]: () => ended.disposeAsync() };
}

describe('a task that goes on', { timeout: 120_000 }, () => {
  const version = '0.169.0';
  const openStory = async () =>
    await openScriptedModel({
      story: { run: 'shared', replies: [], otherwise: [{ type: 'say', text: 'Yes.' }] },
    });

  it('keeps what was done since the last snapshot when the host still has it', async () => {
    await using store = await embeddedStore();
    await using folder = await openTasksFolder();
    await using model = await openStory();
    const parts = { version, model, folder: folder.path } as const;
    {
      const session = await openSessionTask({ ...parts, snapshots: { store: store.snapshots } });
      await session.conversation.run('Hello?');
      expect(await session.end()).toMatchObject({ failures: [] });
    }
    await writeFile(join(folder.path, 'work/since.txt'), 'since');
    await using session = await openSessionTask({ ...parts, snapshots: { store: store.snapshots } });
    expect(session.resumed).toMatchObject({ workdir: 'kept', thread: 'resumed' });
    expect(await readFile(join(folder.path, 'work/since.txt'), 'utf8')).toBe('since');
  });

  it('restores policy and model, or says what the caller has set otherwise', async () => {
    await using store = await embeddedStore();
    await using folder = await openTasksFolder();
    await using model = await openStory();
    const parts = { version, model, folder: folder.path } as const;
    const readOnly = { mode: 'read-only' };
    {
      const session = await openSessionTask({
        ...parts,
        sandbox: readOnly,
        effort: 'low',
        snapshots: { store: store.snapshots },
      });
      await session.conversation.run('Hello?');
      await session.end();
    }
    {
      await using session = await openSessionTask({
        ...parts,
        name: 'again',
        snapshots: { store: store.snapshots },
      });
      expect(session.resumed?.differences).toEqual([]);
      expect(session.conversation.state().controls).toMatchObject({ effort: 'low' });
      const probed = session.conversation.sandbox.checks.map(({ subject }) => subject);
      expect(probed).not.toEqual([]);
    }
    await using session = await openSessionTask({
      ...{ ...parts, name: 'third', sandbox: {}, effort: 'high', snapshots: { store: store.snapshots } },
    });
    expect(session.resumed?.differences.map(({ setting }) => setting)).toEqual(['effort', 'sandbox']);
    await session.conversation.run('And now?');
    expect(JSON.stringify(model.requests.at(-1)?.input)).toContain(
      'Changed since: effort, from low to high.',
    );
  });

  it('is refused under an older Codex than the newest that touched it', async () => {
    await using store = await embeddedStore();
    await using folder = await openTasksFolder();
    await using model = await openStory();
    const parts = { model, folder: folder.path } as const;
    for (const each of supportedVersions) {
      const session = await openSessionTask({
        ...parts,
        version: each,
        snapshots: { store: store.snapshots },
      });
      await session.conversation.run('Hello?');
      await session.end();
    }
    const older = openSessionTask({ ...parts, version: '0.142.5', snapshots: { store: store.snapshots } });
    await expect(older).rejects.toMatchObject({
      code: 'downgrade-refused',
      message: expect.stringContaining('0.169.0'),
    });
  });

  it('says plainly that the conversation begins anew when its thread is gone', async () => {
    await using store = await embeddedStore();
    await using folder = await openTasksFolder();
    await using model = await openStory();
    const parts = { version, model, folder: folder.path } as const;
    {
      const session = await openSessionTask({ ...parts, snapshots: { store: store.snapshots } });
      await session.conversation.run('Hello?');
      await writeFile(join(folder.path, 'work/file.txt'), 'here');
      await rm(join(folder.path, 'work/home/.codex/sessions'), { recursive: true });
      await session.end();
      await rm(join(folder.path, 'work/home/.codex/sessions'), { recursive: true, force: true });
      await store.snapshots.save(await hostAt('on this machine'), hostPath(join(folder.path, 'work')), {
        ...{ task: 'task-1', facts: (await store.snapshots.show({ task: 'task-1' })).facts },
      });
    }
    await using session = await openSessionTask({
      ...parts,
      name: 'again',
      snapshots: { store: store.snapshots },
    });
    expect(session.resumed).toMatchObject({ workdir: 'restored', thread: 'lost' });
    expect(await readFile(join(folder.path, 'again/file.txt'), 'utf8')).toBe('here');
    await session.conversation.run('What now?');
    expect(JSON.stringify(model.requests.at(-1)?.input)).toContain('could not be brought back');
  });

  it('is an error when it was to go on and nothing was saved', async () => {
    await using store = await embeddedStore();
    await using folder = await openTasksFolder();
    await using model = await openStory();
    const parts = { version, model, folder: folder.path } as const;
    const snapshots = { store: store.snapshots, resume: 'required' } as const;
    await expect(openSessionTask({ ...parts, snapshots })).rejects.toMatchObject({ code: 'not-saved' });
  });
});
