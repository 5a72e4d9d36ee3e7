import assert from 'node:assert/strict';
import { unpackDirectory } from '../../archive/unpack-directory.ts';
import { type HostPath, joinHostPath } from '../../host-path.ts';
import { bytesOf, type CaseDefinition, names, patternBytes, rejectsWith, repeat } from './contract-case.ts';
import { archiveOf, entry, file, link, type Packed, streamOf } from './packed-archive.ts';

/** Unpacking what an enemy packed, or what broke on its way. */
export const hostileArchiveCases: readonly CaseDefinition[] = [
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
      await unpackDirectory(host, two, archiveOf(outside), { outsideLinks: 'keep' });
      assert.equal(await host.readLink(joinHostPath(two, 'python')), '/usr/bin/python3');
      const through = [...outside, file('up/x')];
      const three = unpackDirectory(host, joinHostPath(folder, 'three'), archiveOf(through), {
        outsideLinks: 'keep',
      });
      await rejectsWith(three, 'invalid-archive');
    },
  },
  {
    name: 'leaves links out that lead out, and clears setuid bits, when it is told to',
    async check({ host, folder }) {
      const to = joinHostPath(folder, 'to');
      const entries = [
        entry('directory', 'dir', { mode: 0o2550 }),
        link('dir/out', '/usr/bin/python3'),
        link('dir/in', 'file'),
        link('through', 'dir/out'),
        link('up', '..'),
        entry('file', 'dir/file', { mode: 0o6755 }),
        file('last', 'last'),
      ];
      await rejectsWith(unpackDirectory(host, to, archiveOf(entries)), 'invalid-archive');
      const left: string[] = [];
      const unpacked = await unpackDirectory(host, to, archiveOf(entries), {
        outsideLinks: 'leave-out',
        setuidBits: 'clear',
        onLeftOut: (relativePath, reason) => left.push(`${relativePath}: ${reason}`),
      });
      assert.deepEqual(left, ['dir/out: outside-link', 'through: outside-link', 'up: outside-link']);
      assert.equal(unpacked.entries, 4);
      assert.deepEqual(await names(host, to), ['dir', 'last']);
      assert.deepEqual(await names(host, joinHostPath(to, 'dir')), ['file', 'in']);
      assert.equal((await host.stat(joinHostPath(to, 'dir')))?.mode, 0o550);
      assert.equal((await host.stat(joinHostPath(to, 'dir')))?.modifiedMs, 0);
      assert.equal((await host.stat(joinHostPath(to, 'dir/file')))?.mode, 0o755);
      const below = [link('out', '/usr'), file('out/x')];
      const refused = unpackDirectory(host, joinHostPath(folder, 'none'), archiveOf(below), {
        outsideLinks: 'leave-out',
      });
      await rejectsWith(refused, 'invalid-archive');
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
];

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
    [file('n/'.repeat(3_000))],
    [link('long', 'n/'.repeat(3_000))],
    [entry('symlink', 'body', { size: 600, target: 'x' })],
  ];
}
