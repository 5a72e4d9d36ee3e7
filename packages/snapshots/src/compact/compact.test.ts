import { hash } from 'node:crypto';
import type { BlobId } from '@seedbed/blob-store';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ChunkPlace, SnapshotEntry } from '../manifest/manifest.ts';
import { createListedEntries, type ListedEntry } from '../save/listed-entries.ts';
import { createChunkTable } from './chunk-table.ts';
import { chunksOfFiles, copyFile, createEntryList, marksOfFile } from './entry-list.ts';
import { comparePaths } from './path-list.ts';

const digests = fc.nat(50).map((seed) => hash('sha256', `${seed}`, 'hex'));
const chunkIds = fc.nat(50).map((seed) => hash('sha256', `${seed}`, 'base64url'));
/** Of any units, half characters included: a name of bytes that are no UTF-8 has them. */
const texts = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ unit: fc.nat(0xffff).map((code) => String.fromCharCode(code)) }),
);
const paths = fc.oneof(
  texts,
  fc
    .array(fc.constantFrom('a', 'b', 'a.b', 'ä', '🌱', '\udc80'), { minLength: 1 })
    .map((names) => names.join('/')),
);
const times = fc.double({ noNaN: true });
const sizes = fc.maxSafeNat();
const modes = fc.nat(0o777);

const entries: fc.Arbitrary<SnapshotEntry> = fc.oneof(
  fc.record({ kind: fc.constant('directory' as const), path: paths, mode: modes, modifiedMs: times }),
  fc.record({ kind: fc.constant('symlink' as const), path: paths, modifiedMs: times, target: texts }),
  fc.record({ kind: fc.constant('hard-link' as const), path: paths, target: texts }),
  fc.record(
    {
      kind: fc.constant('file' as const),
      path: paths,
      mode: modes,
      modifiedMs: times,
      size: sizes,
      chunks: fc.array(chunkIds, { maxLength: 4 }),
      digest: digests,
      wholeChunksDigest: digests,
      identity: texts,
      changedMs: times,
      unstable: fc.constant(true as const),
    },
    {
      requiredKeys: [
        'kind',
        'path',
        'mode',
        'modifiedMs',
        'size',
        'chunks',
        'digest',
        'identity',
        'changedMs',
      ],
    },
  ),
);

const listed: fc.Arbitrary<ListedEntry> = fc.record(
  {
    path: paths,
    stat: fc.record({
      kind: fc.constantFrom('file' as const, 'directory' as const, 'symlink' as const, 'other' as const),
      ...{ size: sizes, mode: modes, modifiedMs: times, changedMs: times, identity: texts, uid: sizes },
    }),
    target: texts,
  },
  { requiredKeys: ['path', 'stat'] },
);

it('entries are read as they were added, in any order and of any names', () => {
  fc.assert(
    fc.property(fc.array(entries), fc.boolean(), (all, isSorted) => {
      const added = isSorted ? all.toSorted((a, b) => comparePaths(a.path, b.path)) : all;
      const list = createEntryList();
      for (const entry of added) list.add(entry);
      expect([...list]).toEqual(added);
      expect(list.length).toBe(added.length);
      for (const [at, entry] of added.entries()) {
        expect(list.at(at)).toEqual(entry);
        const last = added.findLast(({ path }) => path === entry.path);
        expect(list.find(entry.path)).toEqual(last);
        const { kind, unstable, ...file } =
          last?.kind === 'file' ? last : { kind: last?.kind, unstable: undefined };
        const isUnstable = unstable === true;
        if (kind === 'file')
          expect({ ...file, isUnstable }).toMatchObject(marksOfFile(list, entry.path) ?? {});
        else expect(marksOfFile(list, entry.path)).toBeUndefined();
      }
      expect(list.find('none of them, and longer than any')).toBeUndefined();
      expect(list.at(added.length)).toBeUndefined();
      expect([...chunksOfFiles(list)]).toEqual(
        added.flatMap((entry) => (entry.kind === 'file' ? entry.chunks : [])),
      );
    }),
  );
});

it('a file is taken into another list as it is', () => {
  fc.assert(
    fc.property(fc.array(entries), (all) => {
      const [from, to] = [createEntryList(), createEntryList()];
      for (const entry of all) from.add(entry);
      const files = all.filter(({ path }) => from.find(path)?.kind === 'file');
      for (const { path } of files) copyFile(path, from, to);
      expect([...to]).toEqual(files.map(({ path }) => from.find(path)));
    }),
  );
});

it('what was listed is read as it was', () => {
  fc.assert(
    fc.property(fc.array(listed), (all) => {
      const list = createListedEntries();
      for (const entry of all) list.add(entry);
      expect([...list]).toEqual(all);
    }),
  );
});

it('a file of more chunks than a segment holds lies in one of its own', () => {
  const list = createEntryList();
  const file = (path: string, count: number): SnapshotEntry => ({
    ...{ kind: 'file', path, mode: 0o644, modifiedMs: 1, size: count, identity: '1:2', changedMs: 2 },
    digest: hash('sha256', path, 'hex'),
    chunks: Array.from({ length: count }, (_, at) => hash('sha256', `${path} ${at}`, 'base64url')),
  });
  const files = [file('a', 1), file('b', 60_000), file('c', 3), file('d', 20_000), file('e', 0)];
  for (const each of files) list.add(each);
  expect([...list]).toEqual(files);
});

it('a table of chunks gives each its place, and its position', () => {
  const places = fc.record({
    pack: fc.constantFrom('p' as BlobId, 'q' as BlobId),
    ...{ offset: sizes, storedBytes: sizes, bytes: sizes },
    codec: fc.constantFrom('zstd' as const, 'none' as const),
  });
  fc.assert(
    fc.property(fc.array(fc.tuple(chunkIds, places)), (all) => {
      const expected = new Map<string, ChunkPlace>();
      const table = createChunkTable();
      for (const [id, place] of all) {
        if (!expected.has(id)) expected.set(id, place);
        table.add(id, place);
      }
      expect([...table]).toEqual([...expected]);
      expect([...table.places()]).toEqual([...expected.values()]);
      expect(table.size).toBe(expected.size);
      for (const [position, [id, place]] of [...expected].entries()) {
        expect(table.has(id)).toBe(true);
        expect(table.get(id)).toEqual(place);
        expect(table.positionOf(id)).toBe(position);
        expect(table.idAt(position)).toBe(id);
      }
      const other = hash('sha256', 'another', 'base64url');
      for (const none of [other, '', `${other}A`]) expect(table.get(none)).toBeUndefined();
      expect(table.idAt(expected.size)).toBeUndefined();
    }),
  );
});
