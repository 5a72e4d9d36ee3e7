import assert from 'node:assert/strict';
import { packDirectory } from '../../archive/pack-directory.ts';
import type { TarEntry } from '../../archive/tar-entry.ts';
import { encodeTarEnd, encodeTarHeader } from '../../archive/tar-header.ts';
import { unpackDirectory } from '../../archive/unpack-directory.ts';
import type { Host, HostFiles } from '../../host.ts';
import { type HostPath, joinHostPath } from '../../host-path.ts';
import { readText } from '../../read-text.ts';
import { walk } from '../../walk.ts';
import { type CaseDefinition, patternBytes, rejectsWith, repeat } from './contract-case.ts';
import { names } from './file-cases.ts';

/** Packing folders and unpacking them, also what an enemy packed. */
export const archiveCases: readonly CaseDefinition[] = [
  {
    name: 'unpacks what it packed as it was: content, modes, times, links, empty files and folders, odd names',
    async check({ host, folder }) {
      const [from, to] = [joinHostPath(folder, 'from'), joinHostPath(folder, 'to')];
      await plantTree(host, from, [
        '-rf',
        'new\nline',
        '\\back\\slash\\',
        '\'"$(x)`',
        'e\u0301👩‍👩‍👧',
        'n'.repeat(255),
        ' ',
      ]);
      const before = await describeTree(host, from);
      const unpacked = await unpackDirectory(host, to, packDirectory(host, from));
      assert.deepEqual(await describeTree(host, to), before);
      assert.equal(unpacked.entries, before.size);
      assert.deepEqual(await names(host, folder), ['from', 'to']);
    },
  },
  {
    name: 'packs and unpacks names that are not UTF-8',
    needs: ['rawNames'],
    async check({ host, folder }) {
      const [from, to] = [joinHostPath(folder, 'from'), joinHostPath(folder, 'to')];
      await plantTree(host, from, ['\udcff', 'a\udc80b', `${'\udcc3'.repeat(200)}`]);
      await unpackDirectory(host, to, packDirectory(host, from));
      assert.deepEqual(await describeTree(host, to), await describeTree(host, from));
    },
  },
  {
    name: 'packs and unpacks through file operations alone too',
    async check({ host, folder }) {
      const files = filesOf(host);
      const [from, one, two] = ['from', 'one', 'two'].map((name) => joinHostPath(folder, name)) as [
        HostPath,
        HostPath,
        HostPath,
      ];
      await plantTree(host, from, ['-rf', 'n'.repeat(255)]);
      const before = await describeTree(host, from);
      await unpackDirectory(files, one, packDirectory(host, from));
      assert.deepEqual(await describeTree(host, one), before);
      await unpackDirectory(host, two, packDirectory(files, from));
      assert.deepEqual(await describeTree(host, two), before);
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
    name: 'refuses every archive that would reach out of its folder, and leaves nothing of it',
    async check({ host, folder }) {
      await host.makeDirectory(joinHostPath(folder, 'victim'));
      for (const entries of hostileArchives(folder)) {
        const to = joinHostPath(folder, 'to');
        const unpacking = unpackDirectory(host, to, archiveOf(entries));
        await rejectsWith(unpacking, 'invalid-archive');
        assert.deepEqual(await names(host, folder), ['victim'], JSON.stringify(entries));
        assert.deepEqual(await names(host, joinHostPath(folder, 'victim')), []);
      }
    },
  },
  {
    name: 'takes links that stay inside, and such as lead out only when told to, never to write through them',
    async check({ host, folder }) {
      const [one, two] = [joinHostPath(folder, 'one'), joinHostPath(folder, 'two')];
      const inside = [
        entry('directory', 'a/b'),
        link('a/up', '../a/b/..'),
        link('a/none', 'b/none'),
        link('self', 'self'),
      ];
      await unpackDirectory(host, one, archiveOf(inside));
      assert.equal(await host.readLink(joinHostPath(one, 'a/up')), '../a/b/..');
      const outside = [link('python', '/usr/bin/python3'), link('up', '../..')];
      await unpackDirectory(host, two, archiveOf(outside), { allowOutsideLinks: true });
      assert.equal(await host.readLink(joinHostPath(two, 'python')), '/usr/bin/python3');
      const through = [...outside, file('up/x')];
      const three = unpackDirectory(host, joinHostPath(folder, 'three'), archiveOf(through), {
        allowOutsideLinks: true,
      });
      await rejectsWith(three, 'invalid-archive');
    },
  },
  {
    name: 'refuses an archive that is cut, damaged, or none',
    async check({ host, folder }) {
      const whole = await bytesOf(archiveOf([file('a', 'x'.repeat(2_000)), file('b')]));
      const to = joinHostPath(folder, 'to');
      for (const length of [0, 1, 511, 512, 700, 2_560, 3_072]) {
        await rejectsWith(unpackDirectory(host, to, streamOf(whole.subarray(0, length))), 'invalid-archive');
      }
      const damaged = Buffer.from(whole);
      damaged[3] = 0x62;
      await rejectsWith(unpackDirectory(host, to, streamOf(damaged)), 'invalid-archive');
      await rejectsWith(
        unpackDirectory(host, to, streamOf(Buffer.concat([whole, Buffer.from('more')]))),
        'invalid-archive',
      );
      await rejectsWith(unpackDirectory(host, to, repeat(patternBytes(10_000), 5).stream), 'invalid-archive');
      assert.deepEqual(await names(host, folder), []);
    },
  },
  {
    name: 'stops to unpack at its limits, at an abort and at a failure of the source',
    async check({ host, folder }) {
      const to = joinHostPath(folder, 'to');
      const entries = [file('a', 'x'.repeat(600)), file('b', 'y'.repeat(600))];
      await rejectsWith(unpackDirectory(host, to, archiveOf(entries), { maxEntries: 1 }), 'limit-exceeded');
      await rejectsWith(unpackDirectory(host, to, archiveOf(entries), { maxBytes: 1_000 }), 'limit-exceeded');
      const whole = await bytesOf(archiveOf(entries));
      const controller = new AbortController();
      const stalled = new ReadableStream<Uint8Array>({
        start: (stream) => stream.enqueue(whole.subarray(0, 700)),
        pull() {
          controller.abort();
          return new Promise(() => undefined);
        },
      });
      await rejectsWith(unpackDirectory(host, to, stalled, { signal: controller.signal }), 'aborted');
      const broken = new ReadableStream<Uint8Array>({
        pull() {
          throw new Error('the source broke');
        },
      });
      await rejectsWith(unpackDirectory(host, to, broken), 'io');
      assert.deepEqual(await names(host, folder), []);
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

function entry(kind: TarEntry['kind'], name: string, more: Partial<TarEntry> = {}): Packed {
  const content = more.size === undefined ? '' : 'x'.repeat(more.size);
  return { header: { kind, name, mode: 0o755, modifiedMs: 0, size: 0, target: '', ...more }, content };
}

function file(name: string, content = ''): Packed {
  return { header: { ...entry('file', name).header, size: content.length }, content };
}

function link(name: string, target: string): Packed {
  return entry('symlink', name, { target });
}

interface Packed {
  readonly header: TarEntry;
  readonly content: string;
}

function archiveOf(entries: readonly Packed[]): ReadableStream<Uint8Array> {
  const parts = entries.flatMap(({ header, content }) => [
    encodeTarHeader(header),
    Buffer.from(content),
    Buffer.alloc((512 - (content.length % 512)) % 512),
  ]);
  return streamOf(Buffer.concat([...parts, encodeTarEnd()]));
}

function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new Blob([Uint8Array.from(bytes)]).stream();
}

function hostileArchives(folder: HostPath): readonly (readonly Packed[])[] {
  const victim = joinHostPath(folder, 'victim');
  return [
    [file('../victim/x')],
    [file('a/../../victim/x')],
    [file(`${victim}/x`)],
    [file('..')],
    [entry('directory', '../victim/x')],
    [link('out', '../victim'), file('out/x')],
    [link('out', victim), entry('directory', 'out'), file('out/x')],
    [entry('directory', 'out'), link('out', victim), file('out/x')],
    [link('out', '../victim')],
    [link('out', victim)],
    [link('dot', '.'), link('out', 'dot/../victim')],
    [link('out', 'later/../victim'), link('later', '.')],
    [link('a', 'b'), link('b', '../victim')],
    [entry('directory', 'd'), link('d/e', '../../victim')],
    [entry('hard-link', 'hard', { target: `${victim}/x` })],
    [entry('hard-link', 'hard', { target: '../victim' })],
    [entry('hard-link', 'hard', { target: 'missing' })],
    [link('out', 'victim'), entry('hard-link', 'hard', { target: 'out' }), file('hard')],
    [file('a'), file('a/x')],
    [file('a'), file('a')],
    [file('a'), file('./a')],
    [link('', 'x')],
    [file('.')],
    [entry('file', 'setuid', { mode: 0o4755 })],
    [entry('directory', 'setgid', { mode: 0o2755 })],
    [entry('directory', 'sticky', { mode: 0o1777 })],
    [entry('directory', 'body', { size: 600 })],
    [entry('symlink', 'body', { size: 600, target: 'x' })],
  ];
}

async function plantTree(host: Host, root: HostPath, oddNames: readonly string[]): Promise<void> {
  const at = (path: string): HostPath => joinHostPath(root, path);
  await host.makeDirectory(at('dir/deep'));
  await host.makeDirectory(at('empty-dir'), { mode: 0o711 });
  await host.makeDirectory(at('read-only-dir'));
  await host.writeFile(at('read-only-dir/file.txt'), 'x', { mode: 0o400 });
  await host.writeFile(at('empty'), '');
  await host.writeFile(at('big'), patternBytes(1_000_003));
  await host.writeFile(at('dir/deep/file.txt'), 'text', { mode: 0o640 });
  await host.writeFile(at('script'), '#!/bin/sh\n', { mode: 0o755 });
  await host.link(at('hard'), at('script'), { hard: true });
  await host.link(at('dir/link'), '../script');
  await host.link(at('dangling'), 'not/there');
  for (const name of oddNames) {
    await host.makeDirectory(joinHostPath(at('dir'), name));
    await host.writeFile(joinHostPath(at('dir'), name, name), 'odd');
    await host.link(joinHostPath(at('dir'), name, 'odd-link'), name);
  }
  await host.setModified(at('big'), 1_600_000_000_123);
  await host.setModified(at('dir/link'), 1_500_000_000_000);
  await host.setModified(at('dir/deep'), 1_400_000_000_500);
  await host.setMode(at('read-only-dir'), 0o555);
}

/** All that should survive, by relative path. The folders of the contract are removed by the host's user, who may be any. */
async function describeTree(host: Host, root: HostPath): Promise<ReadonlyMap<string, unknown>> {
  const described = new Map<string, unknown>();
  const firstNames = new Map<string, string>();
  const describe = async (relativePath: string, path: HostPath): Promise<void> => {
    const stat = await host.stat(path);
    assert.ok(stat);
    const content =
      stat.kind === 'file' ? Buffer.from(await bytesOf(await host.readFile(path))).toString('base64') : '';
    const target = stat.kind === 'symlink' ? await host.readLink(path) : '';
    const twin = stat.kind === 'file' ? (firstNames.get(stat.identity) ?? '') : '';
    if (stat.kind === 'file' && twin === '') firstNames.set(stat.identity, relativePath);
    const mode = stat.kind === 'symlink' ? 0 : stat.mode;
    described.set(relativePath, {
      kind: stat.kind,
      mode,
      content,
      target,
      twin,
      time: Math.round(stat.modifiedMs),
    });
  };
  await describe('', root);
  for await (const { relativePath, path } of walk(host, root)) await describe(relativePath, path);
  return described;
}

/** The host without its processes. */
function filesOf({ spawn: _, ...files }: Host): HostFiles {
  return files;
}

async function bytesOf(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function drain(stream: ReadableStream<Uint8Array>): Promise<void> {
  for await (const _ of stream);
}
