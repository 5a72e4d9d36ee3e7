import { beforeAll, describe, expect, it } from 'vitest';
import { codexBinary, downloadTimeout, supportedVersions } from '../../test/codex-binaries.ts';
import { openSessionTask, openTasksFolder } from '../../test/session-task.ts';
import { openSnapshotStore } from '../../test/snapshot-store.ts';
import { openScriptedModel } from '../testing/index.ts';

beforeAll(() => Promise.all(supportedVersions.map(codexBinary)), downloadTimeout);

describe.each(supportedVersions)(
  'the instructions of a task of Codex %s',
  { timeout: 120_000 },
  (version) => {
    it('are told to the agent once: with its thread, and where a later session has others', async () => {
      await using folder = await openTasksFolder();
      await using stored = await openTasksFolder();
      await using store = await openSnapshotStore({ kind: 'embedded', folder: stored.path });
      await using model = await openScriptedModel({
        story: { run: 'shared', replies: [], otherwise: [{ type: 'say', text: 'Yes.' }] },
      });
      const snapshots = { store: store.snapshots, afterTurns: false };
      const heardWith = async (instructions?: string): Promise<readonly (string | undefined)[]> => {
        await using session = await openSessionTask({
          ...{ version, model, folder: folder.path, snapshots },
          ...(instructions === undefined ? {} : { instructions }),
        });
        await session.conversation.run('Go on.');
        return [...JSON.stringify(model.requests.at(-1)?.input).matchAll(/Speak \w+\./g)].map(
          ([said]) => said,
        );
      };
      expect(await heardWith('Speak French.')).toEqual(['Speak French.']);
      expect(await heardWith('Speak French.')).toEqual(['Speak French.']);
      expect(await heardWith('Speak Welsh.')).toEqual(['Speak French.', 'Speak Welsh.']);
      expect(await heardWith()).toEqual(['Speak French.', 'Speak Welsh.']);
      expect(await heardWith('Speak Welsh.')).toEqual(['Speak French.', 'Speak Welsh.']);
    });
  },
);
