import assert from 'node:assert/strict';
import { unpackDirectory } from '../../archive/unpack-directory.ts';
import { joinHostPath } from '../../host-path.ts';
import { readText } from '../../read-text.ts';
import { type CaseDefinition, names, rejectsWith } from './contract-case.ts';
import { HOSTILE_NAMES, RAW_NAMES } from './hostile-names.ts';
import { archiveOf, entry, file, link } from './packed-archive.ts';

/** Unpacking with files that the host has already. */
export const reuseCases: readonly CaseDefinition[] = [
  {
    name: 'unpacks with files of another folder, whatever their names, without changing them',
    async check({ host, folder, capabilities }) {
      const oddNames = capabilities.rawNames ? [...HOSTILE_NAMES, ...RAW_NAMES] : HOSTILE_NAMES;
      const [from, to] = [joinHostPath(folder, 'from'), joinHostPath(folder, 'to')];
      await host.makeDirectory(joinHostPath(from, 'dir/deep'));
      await host.writeFile(joinHostPath(from, 'top'), 'top');
      await host.writeFile(joinHostPath(from, 'dir/deep/kept'), 'kept', { mode: 0o640 });
      await host.setModified(joinHostPath(from, 'dir/deep/kept'), 1_500_000_000_000);
      for (const name of oddNames) await host.writeFile(joinHostPath(from, 'dir', name), name.slice(0, 1));
      const before = await host.stat(joinHostPath(from, 'dir/deep/kept'));
      const archive = archiveOf([
        entry('directory', 'dir', { mode: 0o555, modifiedMs: 1_400_000_000_000 }),
        entry('directory', 'dir/deep', { mode: 0o500, modifiedMs: 1_300_000_000_000 }),
        file('dir/deep/new', 'new'),
        entry('hard-link', 'dir/deep/second', { target: 'top' }),
        link('link', 'dir/deep/kept'),
      ]);
      const files = ['top', 'dir/deep/kept', ...oddNames.map((name) => `dir/${name}`)];
      const unpacked = await unpackDirectory(host, to, archive, { reuse: { from, files } });
      assert.deepEqual(unpacked, { entries: 5, bytes: 3 });
      assert.deepEqual(await names(host, to), ['dir', 'link', 'top']);
      assert.deepEqual(await names(host, joinHostPath(to, 'dir')), ['deep', ...oddNames].sort());
      assert.deepEqual(await names(host, joinHostPath(to, 'dir/deep')), ['kept', 'new', 'second']);
      const kept = await host.stat(joinHostPath(to, 'dir/deep/kept'));
      assert.deepEqual([kept?.mode, kept?.modifiedMs, kept?.size], [0o640, 1_500_000_000_000, 4]);
      assert.equal(kept?.identity, before?.identity);
      assert.equal(await readText(host, joinHostPath(to, 'dir/deep/second')), 'top');
      const directory = await host.stat(joinHostPath(to, 'dir'));
      const deep = await host.stat(joinHostPath(to, 'dir/deep'));
      assert.deepEqual([directory?.mode, directory?.modifiedMs], [0o555, 1_400_000_000_000]);
      assert.deepEqual([deep?.mode, deep?.modifiedMs], [0o500, 1_300_000_000_000]);
    },
  },
  {
    name: 'reuses nothing that lies outside of the folder or is no file, and then unpacks nothing',
    async check({ host, folder }) {
      const [from, to, outside] = [
        joinHostPath(folder, 'from'),
        joinHostPath(folder, 'to'),
        joinHostPath(folder, 'outside'),
      ];
      await host.makeDirectory(joinHostPath(from, 'dir'));
      await host.makeDirectory(outside);
      await host.writeFile(joinHostPath(outside, 'secret'), 'secret');
      await host.writeFile(joinHostPath(from, 'file'), 'file');
      await host.writeFile(joinHostPath(from, 'new'), 'old');
      await host.link(joinHostPath(from, 'link'), 'file');
      await host.link(joinHostPath(from, 'out'), outside);
      await host.link(joinHostPath(from, 'in'), 'dir');
      await host.writeFile(joinHostPath(from, 'dir/inside'), 'inside');
      const reuse = async (files: readonly string[]): Promise<unknown> =>
        await unpackDirectory(host, to, archiveOf([file('new', 'new')]), { reuse: { from, files } });
      for (const name of ['missing', 'dir', 'link', 'out/secret', 'in/inside', 'dir/inside/below'])
        await rejectsWith(reuse(['file', name]), 'not-found');
      for (const name of ['../outside/secret', '/etc/passwd', '', 'a//b', 'a\0b'])
        await rejectsWith(reuse([name]), 'invalid-path');
      await rejectsWith(reuse(['new']), 'invalid-archive');
      await rejectsWith(reuse(['file', 'file']), 'invalid-archive');
      await rejectsWith(reuse(['file', 'file/below']), 'invalid-archive');
      assert.deepEqual(await names(host, folder), ['from', 'outside']);
      await reuse(['file', 'dir/inside']);
      assert.deepEqual(await names(host, to), ['dir', 'file', 'new']);
    },
  },
];
