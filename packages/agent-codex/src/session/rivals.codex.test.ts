import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { beforeAll, describe, expect, it } from 'vitest';
import { codexBinary, downloadTimeout, supportedVersions } from '../../test/codex-binaries.ts';
import type { RivalPlan, RivalReport } from '../../test/rival-child.ts';
import { openSessionTask, openTasksFolder } from '../../test/session-task.ts';
import { openSnapshotStore, type StorePlace } from '../../test/snapshot-store.ts';
import { openScriptedModel } from '../testing/index.ts';

beforeAll(() => Promise.all(supportedVersions.map(codexBinary)), downloadTimeout);

/** A program that has a session of the task open, and goes on when it is told to. */
async function openRival(plan: RivalPlan) {
  const program = join(import.meta.dirname, '../../test/rival-child.ts');
  const child = spawn(process.execPath, ['--conditions', 'development', program, JSON.stringify(plan)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  expect(await lines.next()).toMatchObject({ value: 'open' });
  return {
    async goOn(): Promise<RivalReport> {
      child.stdin.write('go on\n');
      const { value } = await lines.next();
      await ended;
      return JSON.parse(value ?? '');
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

describe.each(supportedVersions)(
  'two programs with one task of Codex %s',
  { timeout: 120_000 },
  (version) => {
    it('do not mix what they save: one goes on, and the other is told', async () => {
      await using folder = await openTasksFolder();
      await using stored = await openTasksFolder();
      await using model = await openScriptedModel({
        story: { run: 'shared', replies: [], otherwise: [{ type: 'say', text: 'Yes.' }] },
      });
      const place: StorePlace = { kind: 'embedded', folder: stored.path };
      const plan = {
        ...{ store: place, version, codex: await codexBinary(version) },
        ...{ config: model.providerConfig({ offerAllTools: true }), env: model.env },
      };
      await using one = await openRival({ ...plan, workdir: join(folder.path, 'one') });
      await using other = await openRival({ ...plan, workdir: join(folder.path, 'other') });
      const reports = await Promise.all([one.goOn(), other.goOn()]);
      const [winner, loser] = reports.toSorted((a, b) => (b.saves[0] ?? '').localeCompare(a.saves[0] ?? ''));
      expect([winner?.saves, loser?.saves]).toEqual([
        ['saved', 'saved'],
        ['conflict', 'conflict'],
      ]);

      await using store = await openSnapshotStore(place);
      const rows = await store.snapshots.list('task-1');
      expect(rows.map(({ number, endState }) => [number, endState])).toEqual([
        [1, 'checkpoint'],
        [2, 'done'],
      ]);
      for (const { number } of rows)
        expect(await store.snapshots.verify({ task: 'task-1', number })).toMatchObject({ damaged: [] });
      await using session = await openSessionTask({
        ...{ version, model, folder: folder.path, name: 'third', snapshots: { store: store.snapshots } },
      });
      expect([session.conversation.threadId, session.resumed?.thread]).toEqual([winner?.threadId, 'resumed']);
    });
  },
);
