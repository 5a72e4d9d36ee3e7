import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { integrityOfBytes, type TarEntry, tarOf, toolEntries } from '../test/tool-release.ts';
import { type ArchiveContents, inspectArchive } from './archive-inspection.ts';
import type { CacheLimits } from './cache-limits.ts';

const limits: CacheLimits = { maxArchiveBytes: 1_000_000, maxTreeBytes: 1_000_000, maxEntries: 100 };

function inspect(
  bytes: Uint8Array,
  options: Partial<CacheLimits> & { signal?: AbortSignal } = {},
): Promise<ArchiveContents> {
  const { signal = new AbortController().signal, ...own } = options;
  return inspectArchive(
    {
      kind: 'archive',
      compression: bytes[0] === 0x1f ? 'gzip' : 'none',
      open: () => new Blob([Buffer.from(bytes)]).stream(),
    },
    { limits: { ...limits, ...own }, signal, report: () => undefined },
  );
}

test('gives the digest of the archive and the files with theirs, sorted', async () => {
  const bytes = gzipSync(
    await tarOf([
      { name: 'package/b', body: 'two', mode: 0o755 },
      { name: 'package/', type: 'directory' },
      { name: 'package/a', body: '' },
    ]),
  );
  expect(await inspect(bytes)).toEqual({
    integrity: integrityOfBytes(bytes),
    archiveBytes: bytes.byteLength,
    files: [
      {
        path: 'package/a',
        size: 0,
        executable: false,
        sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
      },
      {
        path: 'package/b',
        size: 3,
        executable: true,
        sha256: '3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3',
      },
    ],
  });
});

const hostile: readonly [string, TarEntry][] = [
  ['climbs', { name: 'package/../../x', body: 'x' }],
  ['is absolute', { name: '/etc/x', body: 'x' }],
  ['is a symbolic link', { name: 'package/x', type: 'symlink', linkname: '/etc/passwd' }],
  ['is a hard link', { name: 'package/x', type: 'link', linkname: 'package/y' }],
  ['is a pipe', { name: 'package/x', type: 'fifo' }],
  ['is a device', { name: 'package/x', type: 'character-device' }],
  ['has a newline in its name', { name: 'package/a\nb', body: 'x' }],
  ['has a backslash in its name', { name: 'package/a\\b', body: 'x' }],
  ['looks like an option', { name: '-rf', body: 'x' }],
  ['has an empty segment', { name: 'package//x', body: 'x' }],
];

test.each(hostile)('an entry that %s is refused', async (_what, entry) => {
  const bytes = gzipSync(await tarOf([...toolEntries('x'), entry]));
  await expect(inspect(bytes)).rejects.toMatchObject({ code: 'unsafe-archive' });
});

test('a file that comes twice is refused', async () => {
  const entry = { name: 'package/x', body: 'x' };
  await expect(inspect(await tarOf([entry, entry]))).rejects.toMatchObject({
    code: 'unsafe-archive',
    message: expect.stringContaining('twice'),
  });
});

test.each([
  ['too many entries', { maxEntries: 3 }],
  ['too many bytes of files', { maxTreeBytes: 20 }],
  ['too many bytes of archive', { maxArchiveBytes: 50 }],
])('%s are refused', async (_what, own) => {
  const bytes = gzipSync(await tarOf(toolEntries('x', 1000)));
  await expect(inspect(bytes, own)).rejects.toMatchObject({ code: 'limit-exceeded' });
});

test('a small archive that unpacks to a large one is refused by what its header says', async () => {
  const bytes = gzipSync(await tarOf([{ name: 'package/zeros', body: Buffer.alloc(5_000_000) }]));
  expect(bytes.byteLength).toBeLessThan(10_000);
  await expect(inspect(bytes)).rejects.toMatchObject({ code: 'limit-exceeded' });
});

test('an aborted inspection ends as aborted', async () => {
  await expect(inspect(await tarOf(toolEntries('x')), { signal: AbortSignal.abort() })).rejects.toMatchObject(
    { code: 'aborted' },
  );
});

test('whatever is cut off or flipped, the result is a typed error or another digest', async () => {
  const whole = gzipSync(await tarOf(toolEntries('tool', 5_000)));
  const pinned = integrityOfBytes(whole);
  const damage = fc.oneof(
    fc.record({ kind: fc.constant('cut'), at: fc.nat({ max: whole.byteLength - 1 }) }),
    fc.record({ kind: fc.constant('flip'), at: fc.nat({ max: whole.byteLength - 1 }) }),
  );
  await fc.assert(
    fc.asyncProperty(damage, async ({ kind, at }) => {
      const bytes = kind === 'cut' ? whole.subarray(0, at) : Buffer.from(whole);
      if (kind === 'flip') bytes[at] = (bytes[at] ?? 0) ^ 0x55;
      const outcome = await inspect(bytes).then(
        ({ integrity }) => integrity !== pinned,
        (error: unknown) =>
          error instanceof Error &&
          'code' in error &&
          /^(unsafe-archive|limit-exceeded)$/.test(String(error.code)),
      );
      expect(outcome).toBe(true);
    }),
    { numRuns: 200 },
  );
});
