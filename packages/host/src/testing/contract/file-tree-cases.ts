import assert from 'node:assert/strict';
import { joinHostPath } from '../../host-path.ts';
import { readText } from '../../read-text.ts';
import { walk } from '../../walk.ts';
import { type CaseDefinition, names, rejectsWith } from './contract-case.ts';

/** Arranging files. */
export const fileTreeCases: readonly CaseDefinition[] = [
  {
    name: 'answers with typed errors',
    async check({ host, folder }) {
      const [file, missing] = [joinHostPath(folder, 'file'), joinHostPath(folder, 'missing')];
      await host.writeFile(file, 'x');
      await rejectsWith(host.readFile(missing), 'not-found');
      await rejectsWith(host.readFile(folder), 'is-a-directory');
      await rejectsWith(host.readFile(joinHostPath(file, 'below')), 'not-a-directory');
      await rejectsWith(host.writeFile(joinHostPath(missing, 'below'), 'x'), 'not-found');
      await rejectsWith(host.writeFile(folder, 'x'), 'is-a-directory');
      await rejectsWith(names(host, missing), 'not-found');
      await rejectsWith(names(host, file), 'not-a-directory');
      await rejectsWith(host.makeDirectory(joinHostPath(file, 'below')), 'not-a-directory');
      await rejectsWith(host.makeDirectory(file), 'already-exists');
      await rejectsWith(host.remove(folder), 'directory-not-empty');
      await rejectsWith(host.rename(missing, file), 'not-found');
      await rejectsWith(host.link(file, 'x'), 'already-exists');
      await rejectsWith(host.readLink(missing), 'not-found');
      await rejectsWith(host.setMode(missing, 0o600), 'not-found');
      await rejectsWith(host.writeFile(joinHostPath(folder, 'n'.repeat(256)), 'x'), 'invalid-path');
      await rejectsWith(host.writeFile(joinHostPath(folder, '\ud800'), 'x'), 'invalid-path');
      assert.equal(await host.stat(missing), undefined);
      assert.equal(await host.stat(joinHostPath(file, 'below')), undefined);
    },
  },
  {
    name: 'says what is at a path, and of a link what it leads to when asked',
    async check({ host, folder }) {
      const [file, link, hard] = [
        joinHostPath(folder, 'file'),
        joinHostPath(folder, 'link'),
        joinHostPath(folder, 'hard'),
      ];
      await host.writeFile(file, '12345', { mode: 0o640 });
      await host.link(link, 'file');
      await host.link(hard, file, { hard: true });
      const stat = await host.stat(file);
      assert.equal(stat?.kind, 'file');
      assert.equal(stat.size, 5);
      assert.equal(stat.mode, 0o640);
      assert.equal(stat.uid, host.uid);
      assert.equal((await host.stat(link))?.kind, 'symlink');
      assert.equal((await host.stat(link, { followLinks: true }))?.identity, stat.identity);
      assert.equal((await host.stat(hard))?.identity, stat.identity);
      assert.equal((await host.stat(folder))?.kind, 'directory');
      assert.notEqual((await host.stat(folder))?.identity, stat.identity);
      const later = joinHostPath(folder, 'later');
      await host.writeFile(later, '');
      assert.ok(((await host.stat(later))?.modifiedMs ?? 0) >= stat.modifiedMs);
    },
  },
  {
    name: 'says when a file was last changed in any way, also by who sets its time back',
    async check({ host, folder }) {
      const [file, second] = [joinHostPath(folder, 'file'), joinHostPath(folder, 'second')];
      await host.writeFile(file, 'x');
      const written = await host.stat(file);
      assert.ok(written && Math.abs(written.changedMs - written.modifiedMs) < 60_000);
      let latest = written.changedMs;
      const changes: readonly (() => Promise<void>)[] = [
        () => host.setModified(file, 1_500_000_000_000),
        () => host.setMode(file, 0o600),
        () => host.link(second, file, { hard: true }),
        () => host.rename(file, joinHostPath(folder, 'renamed')),
      ];
      for (const change of changes) {
        await change();
        const now = (await host.stat(second)) ?? (await host.stat(file));
        assert.ok(now && now.changedMs >= latest, `${now?.changedMs} is not before ${latest}`);
        assert.equal(now.modifiedMs, 1_500_000_000_000);
        latest = now.changedMs;
      }
      for await (const { stat, relativePath } of walk(host, folder))
        assert.equal(stat.changedMs, latest, relativePath);
    },
  },
  {
    name: 'creates folders with their parents, and minds none that is there',
    async check({ host, folder }) {
      const deep = joinHostPath(folder, 'a/b/c');
      await Promise.all([host.makeDirectory(deep), host.makeDirectory(deep), host.makeDirectory(deep)]);
      await host.makeDirectory(joinHostPath(folder, 'a'), { mode: 0o700 });
      const secret = joinHostPath(folder, 'a/secret');
      await host.makeDirectory(secret, { mode: 0o700 });
      assert.equal((await host.stat(secret))?.mode, 0o700);
      assert.equal((await host.stat(deep))?.kind, 'directory');
    },
  },
  {
    name: 'removes trees, and of links only the links',
    async check({ host, folder }) {
      const [kept, tree] = [joinHostPath(folder, 'kept'), joinHostPath(folder, 'tree')];
      await host.makeDirectory(kept);
      await host.writeFile(joinHostPath(kept, 'file'), 'x');
      await host.makeDirectory(joinHostPath(tree, 'sub'));
      await host.link(joinHostPath(tree, 'sub/out'), kept);
      await host.link(joinHostPath(folder, 'link'), kept);
      await host.remove(joinHostPath(folder, 'link'), { recursive: true });
      await host.remove(tree, { recursive: true });
      await host.remove(joinHostPath(folder, 'missing'));
      await host.remove(joinHostPath(folder, 'missing'), { recursive: true });
      assert.equal(await readText(host, joinHostPath(kept, 'file')), 'x');
      assert.deepEqual(await names(host, folder), ['kept']);
      await host.makeDirectory(tree);
      await host.remove(tree);
      await host.makeDirectory(joinHostPath(tree, 'protected/deeper'));
      await host.setMode(joinHostPath(tree, 'protected/deeper'), 0o500);
      await host.setMode(joinHostPath(tree, 'protected'), 0o500);
      await host.remove(tree, { recursive: true });
      assert.equal(await host.stat(tree), undefined);
    },
  },
  {
    name: 'renames files over files and folders over empty folders',
    async check({ host, folder }) {
      const [one, two] = [joinHostPath(folder, 'one'), joinHostPath(folder, 'two')];
      await host.writeFile(one, '1');
      await host.writeFile(two, '2');
      await host.rename(one, two);
      assert.equal(await readText(host, two), '1');
      const [from, to] = [joinHostPath(folder, 'from'), joinHostPath(folder, 'to')];
      await host.makeDirectory(from);
      await host.writeFile(joinHostPath(from, 'file'), 'x');
      await host.makeDirectory(to);
      await host.rename(from, to);
      assert.deepEqual(await names(host, to), ['file']);
      await host.makeDirectory(from);
      await rejectsWith(host.rename(from, to), 'directory-not-empty');
      const absent = joinHostPath(folder, 'absent');
      await host.rename(to, absent);
      assert.deepEqual(await names(host, absent), ['file']);
      assert.equal(await host.stat(to), undefined);
    },
  },
];
