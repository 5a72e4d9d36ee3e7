import assert from 'node:assert/strict';
import { packDirectory } from '../../archive/pack-directory.ts';
import { unpackDirectory } from '../../archive/unpack-directory.ts';
import type { Host, HostFiles } from '../../host.ts';
import { type HostPath, joinHostPath } from '../../host-path.ts';
import { readText } from '../../read-text.ts';
import { type CaseDefinition, names, rejectsWith } from './contract-case.ts';
import { HOSTILE_NAMES, RAW_NAMES } from './hostile-names.ts';
import { archiveOf, file } from './packed-archive.ts';
import { describeTree, plantTree } from './planted-tree.ts';

/** Packing folders, and unpacking what was packed. */
export const archiveCases: readonly CaseDefinition[] = [
  {
    name: 'unpacks what it packed as it was: content, modes, times, links, empty files and folders, odd names',
    async check({ host, folder, capabilities }) {
      const [from, to] = [joinHostPath(folder, 'from'), joinHostPath(folder, 'to')];
      await plantTree(host, from, HOSTILE_NAMES);
      const subject = { host, capabilities };
      const before = await describeTree(subject, from);
      const unpacked = await unpackDirectory(host, to, packDirectory(host, from));
      assert.deepEqual(await describeTree(subject, to), before);
      assert.equal(unpacked.entries, before.size);
      assert.deepEqual(await names(host, folder), ['from', 'to']);
    },
  },
  {
    name: 'packs and unpacks names that are not UTF-8',
    needs: ['rawNames'],
    async check({ host, folder, capabilities }) {
      const subject = { host, capabilities };
      const [from, to] = [joinHostPath(folder, 'from'), joinHostPath(folder, 'to')];
      await plantTree(host, from, RAW_NAMES);
      await unpackDirectory(host, to, packDirectory(host, from));
      assert.deepEqual(await describeTree(subject, to), await describeTree(subject, from));
    },
  },
  {
    name: 'packs and unpacks through file operations alone too',
    async check({ host, folder, capabilities }) {
      const subject = { host, capabilities };
      const files = filesOf(host);
      const [from, one, two] = ['from', 'one', 'two'].map((name) => joinHostPath(folder, name)) as [
        HostPath,
        HostPath,
        HostPath,
      ];
      await plantTree(host, from, ['-rf', 'n'.repeat(255)]);
      const before = await describeTree(subject, from);
      await unpackDirectory(files, one, packDirectory(host, from));
      assert.deepEqual(await describeTree(subject, one), before);
      await unpackDirectory(host, two, packDirectory(files, from));
      assert.deepEqual(await describeTree(subject, two), before);
    },
  },
  {
    name: 'leaves out of an archive what is excluded, and says what else it left out',
    async check({ host, folder }) {
      const [from, to] = [joinHostPath(folder, 'from'), joinHostPath(folder, 'to')];
      await plantTree(host, from, []);
      const skipped: string[] = [];
      const onSkip = (path: string): void => void skipped.push(path);
      await unpackDirectory(host, to, packDirectory(host, from, { exclude: ['dir', '*.txt'], onSkip }));
      assert.deepEqual(await names(host, to), [
        'big',
        'dangling',
        'empty',
        'empty-dir',
        'hard',
        'read-only-dir',
        'script',
      ]);
      assert.deepEqual(skipped, []);
      await rejectsWith(drain(packDirectory(host, from, { maxEntries: 3 })), 'limit-exceeded');
      await rejectsWith(drain(packDirectory(host, joinHostPath(folder, 'missing'))), 'not-found');
      await rejectsWith(drain(packDirectory(host, from, { signal: AbortSignal.abort() })), 'aborted');
    },
  },
  {
    name: 'unpacks into an empty folder, never into a full one or over a file',
    async check({ host, folder }) {
      const [empty, full, plain] = ['empty', 'full', 'plain'].map((name) => joinHostPath(folder, name)) as [
        HostPath,
        HostPath,
        HostPath,
      ];
      await host.makeDirectory(empty);
      await host.makeDirectory(full);
      await host.writeFile(joinHostPath(full, 'mine'), 'mine');
      await host.writeFile(plain, 'mine');
      await unpackDirectory(host, empty, archiveOf([file('a', 'new')]));
      assert.equal(await readText(host, joinHostPath(empty, 'a')), 'new');
      await rejectsWith(unpackDirectory(host, full, archiveOf([file('a')])), 'directory-not-empty');
      await rejectsWith(unpackDirectory(host, plain, archiveOf([file('a')])), 'not-a-directory');
      assert.deepEqual(await names(host, full), ['mine']);
    },
  },
];

/** The host without its processes. */
function filesOf({ spawn: _, ...files }: Host): HostFiles {
  return files;
}

async function drain(stream: ReadableStream<Uint8Array>): Promise<void> {
  for await (const _ of stream);
}
