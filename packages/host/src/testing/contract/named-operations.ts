import assert from 'node:assert/strict';
import { confine } from '../../confine.ts';
import type { Host } from '../../host.ts';
import { type HostPath, joinHostPath } from '../../host-path.ts';
import { readText } from '../../read-text.ts';
import { names, rejectsWith, textOf } from './contract-case.ts';

/** What an operation is tried with: an empty folder of its own, a hostile name, and the path that it has there. */
export interface Named {
  readonly host: Host;
  readonly base: HostPath;
  readonly name: string;
  readonly path: HostPath;
}

export interface NamedOperation {
  /** Completes "… whatever its name". */
  readonly what: string;
  readonly check: (named: Named) => Promise<void>;
}

/** Every file operation of a host, and what it promises of it. */
export const namedOperations: readonly NamedOperation[] = [
  {
    what: 'writes, replaces, reads and lists a file',
    async check({ host, base, name, path }) {
      await host.writeFile(path, 'old');
      await host.writeFile(path, '0123456789', { mode: 0o640 });
      assert.equal(await readText(host, path), '0123456789');
      assert.equal(await textOf(await host.readFile(path, { offset: 3, length: 4 })), '3456');
      assert.deepEqual(await names(host, base), [name]);
    },
  },
  {
    what: 'creates a file that must not be there',
    async check({ host, base, name, path }) {
      await host.writeFile(path, 'mine', { ifAbsent: true });
      await rejectsWith(host.writeFile(path, 'other', { ifAbsent: true }), 'already-exists');
      assert.equal(await readText(host, path), 'mine');
      assert.deepEqual(await names(host, base), [name]);
    },
  },
  {
    what: 'says what is there and what is not',
    async check({ host, name, path }) {
      assert.equal(await host.stat(path), undefined);
      await rejectsWith(host.readFile(path), 'not-found');
      await rejectsWith(host.setMode(path, 0o600), 'not-found');
      await rejectsWith(host.setModified(path, 0), 'not-found');
      await rejectsWith(host.readLink(path), 'not-found');
      await rejectsWith(host.rename(path, joinHostPath(path, name)), 'not-found');
      await host.remove(path);
      await host.remove(path, { recursive: true });
      await host.writeFile(path, '12345', { mode: 0o640 });
      const found = await host.stat(path);
      assert.deepEqual([found?.kind, found?.size, found?.mode], ['file', 5, 0o640]);
      assert.deepEqual(await host.stat(path, { followLinks: true }), found);
    },
  },
  {
    what: 'tells failures apart',
    async check({ host, base, name, path }) {
      const [folder, below] = [joinHostPath(base, 'folder'), joinHostPath(path, name)];
      await host.writeFile(path, 'x');
      await host.makeDirectory(joinHostPath(folder, name));
      await rejectsWith(host.makeDirectory(path), 'already-exists');
      await rejectsWith(host.makeDirectory(below), 'not-a-directory');
      await rejectsWith(host.readFile(below), 'not-a-directory');
      await rejectsWith(names(host, path), 'not-a-directory');
      await rejectsWith(host.link(path, name), 'already-exists');
      await rejectsWith(host.readLink(path), 'io');
      await rejectsWith(host.readFile(joinHostPath(folder, name)), 'is-a-directory');
      await rejectsWith(host.rename(path, joinHostPath(folder, name)), 'is-a-directory');
      await rejectsWith(host.rename(folder, path), 'not-a-directory');
      await rejectsWith(host.remove(folder), 'directory-not-empty');
      await rejectsWith(host.canonicalize(joinHostPath(folder, 'none', name)), 'not-found');
    },
  },
  {
    what: 'creates folders, and files in them',
    async check({ host, base, name, path }) {
      const inner = joinHostPath(path, name);
      await host.makeDirectory(inner, { mode: 0o700 });
      assert.equal((await host.stat(inner))?.mode, 0o700);
      await host.writeFile(joinHostPath(inner, name), 'x');
      assert.deepEqual(await names(host, path), [name]);
      assert.deepEqual(await names(host, inner), [name]);
      for await (const entry of host.list(base)) assert.deepEqual(entry, { name, kind: 'directory' });
    },
  },
  {
    what: 'removes files, folders and trees',
    async check({ host, base, name, path }) {
      await host.writeFile(path, 'x');
      await host.remove(path);
      await host.makeDirectory(path);
      await host.remove(path);
      assert.deepEqual(await names(host, base), []);
      const [inner, kept] = [joinHostPath(path, name), joinHostPath(base, 'kept')];
      await host.makeDirectory(inner);
      await host.writeFile(joinHostPath(inner, name), 'x');
      await host.makeDirectory(kept);
      await host.link(joinHostPath(inner, 'link'), kept);
      await host.setMode(inner, 0o500);
      await host.remove(path, { recursive: true });
      assert.deepEqual(await names(host, base), ['kept']);
    },
  },
  {
    what: 'renames files and folders, from it and to it',
    async check({ host, base, name, path }) {
      const other = joinHostPath(base, 'other');
      await host.writeFile(path, 'x');
      await host.rename(path, path);
      await host.rename(path, other);
      assert.deepEqual(await names(host, base), ['other']);
      await host.rename(other, path);
      assert.deepEqual(await names(host, base), [name]);
      await host.makeDirectory(other);
      await host.rename(path, joinHostPath(other, name));
      await host.rename(other, path);
      assert.equal(await readText(host, joinHostPath(path, name)), 'x');
    },
  },
  {
    what: 'links softly, from it and to it',
    async check({ host, base, name, path }) {
      const real = await host.canonicalize(base);
      await host.link(path, `../${name}`);
      assert.equal(await host.readLink(path), `../${name}`);
      assert.equal((await host.stat(path))?.kind, 'symlink');
      await host.remove(path);
      const link = joinHostPath(base, 'link');
      await host.link(link, name);
      assert.equal(await host.readLink(link), name);
      assert.equal(await host.stat(link, { followLinks: true }), undefined);
      assert.equal(await host.canonicalize(link), joinHostPath(real, name));
      await host.writeFile(path, 'through');
      assert.equal(await readText(host, link), 'through');
      assert.equal(await host.canonicalize(link), joinHostPath(real, name));
    },
  },
  {
    what: 'links hard, from it and to it',
    async check({ host, base, path }) {
      const other = joinHostPath(base, 'other');
      await host.writeFile(path, 'x');
      await host.link(other, path, { hard: true });
      await host.remove(path);
      await host.link(path, other, { hard: true });
      await rejectsWith(host.link(path, other, { hard: true }), 'already-exists');
      assert.equal((await host.stat(path))?.identity, (await host.stat(other))?.identity);
      await host.rename(path, other);
      assert.equal((await names(host, base)).length, 2);
    },
  },
  {
    what: 'sets modes and times',
    async check({ host, base, name, path }) {
      await host.writeFile(path, 'x');
      await host.setMode(path, 0o604);
      await host.setModified(path, 1_500_000_000_000);
      const found = await host.stat(path);
      assert.deepEqual([found?.mode, found?.modifiedMs], [0o604, 1_500_000_000_000]);
      const link = joinHostPath(base, 'link');
      await host.link(link, name);
      await host.setModified(link, 1_400_000_000_000);
      await host.setMode(link, 0o600);
      assert.equal((await host.stat(link))?.modifiedMs, 1_400_000_000_000);
      const last = await host.stat(path);
      assert.deepEqual(last, { ...found, mode: 0o600, changedMs: last?.changedMs });
    },
  },
  {
    what: 'keeps a confined view inside',
    async check({ host, base, name, path }) {
      const real = await host.canonicalize(base);
      await host.makeDirectory(path);
      const inside = confine(host, path);
      const file = joinHostPath(path, name);
      await inside.writeFile(file, 'x');
      assert.equal(await readText(inside, file), 'x');
      assert.equal(await inside.canonicalize(file), joinHostPath(real, name, name));
      assert.equal(
        await host.canonicalize(joinHostPath(path, 'new'), { within: path }),
        joinHostPath(real, name, 'new'),
      );
      await host.link(joinHostPath(path, 'out'), '..');
      await rejectsWith(inside.readFile(joinHostPath(path, 'out', 'x')), 'outside-root');
      await rejectsWith(host.canonicalize(joinHostPath(base, 'x'), { within: path }), 'outside-root');
      await inside.rename(file, joinHostPath(path, 'moved'));
      await inside.remove(joinHostPath(path, 'moved'));
      assert.deepEqual(await names(inside, path), ['out']);
    },
  },
];
