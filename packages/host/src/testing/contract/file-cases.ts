import assert from 'node:assert/strict';
import type { DirEntry, Host } from '../../host.ts';
import { type HostPath, joinHostPath } from '../../host-path.ts';
import { readText } from '../../read-text.ts';
import { run } from '../../run.ts';
import { type CaseDefinition, patternBytes, rejectsWith, repeat } from './contract-case.ts';

const HOSTILE_NAMES = [
  '-rf',
  ' ',
  'a b',
  'new\nline',
  '"q"',
  "it's",
  '$(touch x)',
  '`id`',
  '\\',
  '*',
  '~',
  '👩‍👩‍👧',
  'e\u0301',
  '\ufeffbom',
  'n'.repeat(255),
];
const RAW_NAMES = ['\udcff', 'a\udc80b', '\udced\udcb2\udc80'];

/** Reading, writing and arranging files. */
export const fileCases: readonly CaseDefinition[] = [
  {
    name: 'gives the bytes that were written, in whole and in part',
    async check({ host, folder }) {
      const path = joinHostPath(folder, 'bytes');
      const bytes = patternBytes(700_001);
      await host.writeFile(path, bytes);
      const part = async (options: object): Promise<Uint8Array> =>
        await bytesOf(await host.readFile(path, options));
      assert.deepEqual(await part({}), Buffer.from(bytes));
      assert.deepEqual(await part({ offset: 300_000 }), Buffer.from(bytes.subarray(300_000)));
      assert.deepEqual(await part({ offset: 5, length: 7 }), Buffer.from(bytes.subarray(5, 12)));
      assert.equal((await part({ length: 0 })).length, 0);
      assert.equal((await part({ offset: 800_000 })).length, 0);
      assert.equal((await part({ offset: 700_000, length: 100 })).length, 1);
    },
  },
  {
    name: 'writes text, bytes and streams, an empty one too',
    async check({ host, folder }) {
      const path = joinHostPath(folder, 'file');
      await host.writeFile(path, 'h\u00e9');
      assert.equal(await readText(host, path), 'h\u00e9');
      await host.writeFile(path, repeat(patternBytes(65_536), 20).stream);
      assert.equal((await host.stat(path))?.size, 20 * 65_536);
      await host.writeFile(path, '');
      assert.equal((await host.stat(path))?.size, 0);
      await host.writeFile(path, repeat(new Uint8Array(1), 0).stream);
      assert.equal(await readText(host, path), '');
    },
  },
  {
    name: 'gives a file exactly the mode that was asked for, and keeps that of the one it replaces',
    async check({ host, folder }) {
      const path = joinHostPath(folder, 'file');
      const mode = async (): Promise<number | undefined> => (await host.stat(path))?.mode;
      await host.writeFile(path, '');
      assert.equal(await mode(), 0o644);
      await host.writeFile(path, '', { mode: 0o777 });
      assert.equal(await mode(), 0o777);
      await host.writeFile(path, 'again');
      assert.equal(await mode(), 0o777);
      await host.setMode(path, 0o600);
      await host.writeFile(path, 'again');
      assert.equal(await mode(), 0o600);
    },
  },
  {
    name: 'shows a reader the old content or the new, whole',
    async check({ host, folder }) {
      const path = joinHostPath(folder, 'file');
      const contents = ['a'.repeat(300_000), 'b'.repeat(200_000)] as const;
      await host.writeFile(path, contents[0]);
      const writing = (async () => {
        for (let round = 1; round <= 20; round += 1)
          await host.writeFile(path, contents[round % 2 === 0 ? 0 : 1]);
      })();
      let done = false;
      void writing.then(() => {
        done = true;
      });
      while (!done)
        assert.ok(
          (contents as readonly string[]).includes(await readText(host, path)),
          'a part, or a mixture',
        );
      await writing;
    },
  },
  {
    name: 'lets exactly one of many create a file',
    async check({ host, folder }) {
      const path = joinHostPath(folder, 'file');
      const tries = await Promise.allSettled(
        Array.from({ length: 16 }, (_, index) => host.writeFile(path, `writer ${index}`, { ifAbsent: true })),
      );
      const winners = tries.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []));
      assert.equal(winners.length, 1);
      assert.equal(await readText(host, path), `writer ${winners[0]}`);
      await rejectsWith(host.writeFile(path, 'late', { ifAbsent: true }), 'already-exists');
      assert.deepEqual(await names(host, folder), ['file']);
    },
  },
  {
    name: 'leaves neither a changed nor a temporary file when a write is aborted or its source fails',
    async check({ host, folder }) {
      const path = joinHostPath(folder, 'file');
      await host.writeFile(path, 'before');
      const controller = new AbortController();
      let given = 0;
      let cancelled = false;
      const endless = new ReadableStream<Uint8Array>({
        pull(stream) {
          given += 1;
          if (given > 10) controller.abort();
          else stream.enqueue(patternBytes(100_000));
        },
        cancel() {
          cancelled = true;
        },
      });
      await rejectsWith(host.writeFile(path, endless, { signal: controller.signal }), 'aborted');
      assert.equal(cancelled, true);
      const broken = new ReadableStream<Uint8Array>({
        pull(stream) {
          stream.enqueue(patternBytes(10));
          stream.error(new Error('the source broke'));
        },
      });
      await rejectsWith(host.writeFile(path, broken), 'io');
      await rejectsWith(host.writeFile(path, 'x', { signal: AbortSignal.abort() }), 'aborted');
      assert.equal(await readText(host, path), 'before');
      assert.deepEqual(await names(host, folder), ['file']);
    },
  },
  {
    name: 'replaces a link by a write, and leaves what it led to alone',
    async check({ host, folder }) {
      const [target, link] = [joinHostPath(folder, 'target'), joinHostPath(folder, 'link')];
      await host.writeFile(target, 'target');
      await host.link(link, 'target');
      await host.writeFile(link, 'new');
      assert.equal((await host.stat(link))?.kind, 'file');
      assert.equal(await readText(host, target), 'target');
    },
  },
  {
    name: 'stops a read when its signal fires',
    async check({ host, folder }) {
      const path = joinHostPath(folder, 'file');
      await host.writeFile(path, patternBytes(3_000_000));
      const controller = new AbortController();
      const reader = (await host.readFile(path, { signal: controller.signal })).getReader();
      await reader.read();
      controller.abort();
      await rejectsWith(
        (async () => {
          while (!(await reader.read()).done);
        })(),
        'aborted',
      );
      await rejectsWith(host.readFile(path, { signal: AbortSignal.abort() }), 'aborted');
    },
  },
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
    name: 'carries hostile names through every operation',
    check: ({ host, folder }) => carriesNames(host, folder, HOSTILE_NAMES),
  },
  {
    name: 'carries names that are not UTF-8 through every operation',
    needs: ['rawNames'],
    check: ({ host, folder }) => carriesNames(host, folder, RAW_NAMES),
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
    },
  },
  {
    name: 'says of a path where it really leads',
    async check({ host, folder }) {
      const real = await host.canonicalize(folder);
      await host.makeDirectory(joinHostPath(folder, 'dir/sub'));
      await host.link(joinHostPath(folder, 'link'), 'dir/sub/');
      await host.link(joinHostPath(folder, 'chain'), 'link');
      await host.link(joinHostPath(folder, 'up'), 'link/../..');
      await host.link(joinHostPath(folder, 'dangling'), 'dir/none');
      await host.link(joinHostPath(folder, 'loop'), 'loop');
      const leads = async (path: string): Promise<string> =>
        await host.canonicalize(joinHostPath(folder, path));
      assert.equal(await leads('chain'), `${real}/dir/sub`);
      assert.equal(await leads('chain/new'), `${real}/dir/sub/new`);
      assert.equal(await leads('up/chain'), `${real}/dir/sub`);
      assert.equal(await leads('dangling'), `${real}/dir/none`);
      await rejectsWith(leads('loop'), 'too-many-links');
      await rejectsWith(leads('missing/below'), 'not-found');
      await rejectsWith(leads('dangling/below'), 'not-found');
    },
  },
  {
    name: 'refuses a path that leaves the folder that it was to stay in',
    async check({ host, folder }) {
      const inside = joinHostPath(folder, 'inside');
      await host.makeDirectory(inside);
      await host.makeDirectory(joinHostPath(folder, 'inside-not'));
      await host.link(joinHostPath(inside, 'out'), '..');
      await host.link(joinHostPath(inside, 'dangling'), '../nothing');
      await host.link(joinHostPath(inside, 'absolute'), '/');
      await host.link(joinHostPath(inside, 'around'), 'out/inside');
      await host.link(joinHostPath(folder, 'door'), 'inside');
      const within = async (path: string): Promise<HostPath> =>
        await host.canonicalize(joinHostPath(inside, path), { within: inside });
      for (const path of ['..', '../inside-not', 'out', 'out/x', 'dangling', 'absolute', 'absolute/etc']) {
        await rejectsWith(within(path), 'outside-root');
      }
      assert.equal(await within('around'), await host.canonicalize(inside));
      assert.equal(await within('new'), joinHostPath(await host.canonicalize(inside), 'new'));
      const door = joinHostPath(folder, 'door');
      assert.equal(await host.canonicalize(joinHostPath(door, 'new'), { within: door }), await within('new'));
    },
  },
  {
    name: 'refuses to read what is no file and may never end',
    needs: ['shell'],
    async check({ host, folder }) {
      const fifo = joinHostPath(folder, 'fifo');
      await run(host, { argv: ['mkfifo', fifo] }, { check: true });
      await rejectsWith(host.readFile(fifo), 'unsupported');
      assert.equal((await host.stat(fifo))?.kind, 'other');
    },
  },
];

async function carriesNames(host: Host, folder: HostPath, hostile: readonly string[]): Promise<void> {
  for (const name of hostile) {
    const base = joinHostPath(folder, 'case');
    const [path, moved, link] = [
      joinHostPath(base, name),
      joinHostPath(base, 'moved'),
      joinHostPath(base, 'link'),
    ];
    await host.makeDirectory(base);
    await host.writeFile(path, name.isWellFormed() ? name : 'raw');
    assert.deepEqual(await names(host, base), [name]);
    assert.equal((await host.stat(path))?.kind, 'file');
    assert.equal(await host.canonicalize(path), joinHostPath(await host.canonicalize(base), name));
    assert.equal(await readText(host, path), name.isWellFormed() ? name : 'raw');
    await host.link(link, name);
    assert.equal(await host.readLink(link), name);
    assert.equal(await host.canonicalize(link), await host.canonicalize(path));
    await host.setMode(path, 0o600);
    await host.rename(path, moved);
    await host.link(path, moved, { hard: true });
    await host.remove(path);
    await host.makeDirectory(joinHostPath(path, name));
    await host.writeFile(joinHostPath(path, name, 'f'), '');
    await host.remove(base, { recursive: true });
    assert.equal(await host.stat(base), undefined);
  }
}

export async function names(host: Pick<Host, 'list'>, path: HostPath): Promise<string[]> {
  const entries: DirEntry[] = [];
  for await (const entry of host.list(path)) entries.push(entry);
  return entries.map(({ name }) => name).sort();
}

async function bytesOf(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
