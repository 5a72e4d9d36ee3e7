import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ArchiveForm, archiveOf, readArchive } from '../test/pool-partner.ts';
import { packSeed, unpackSeed } from './seed-archive.ts';

const files = { '.agent/login.json': '{"token":"x"}', '.agent/settings.toml': 'a = 1\n' };
const asText = (content: ReadonlyMap<string, Uint8Array>) =>
  Object.fromEntries([...content].map(([name, bytes]) => [name, Buffer.from(bytes).toString()]));

test.each<ArchiveForm>(['gnu', 'pax', 'replaced-last', 'dotted'])(
  'what the real tar packed is read: %s',
  async (form) => {
    expect(asText(await unpackSeed(await archiveOf(files, form)))).toEqual(files);
  },
);

test('what is packed here is read by the real tar, under exactly these names', async () => {
  const content = new Map(Object.entries(files).map(([name, text]) => [name, Buffer.from(text)]));
  expect(readArchive(await packSeed(content))).toEqual(files);
});

test('what was packed comes back, whatever the names and bytes', async () => {
  const name = fc
    .stringMatching(/^[a-z.][a-z0-9/_.-]{0,120}[a-z0-9]$/)
    .filter((text) => !text.startsWith('./'));
  const entries = fc.dictionary(name, fc.uint8Array({ maxLength: 3_000 }), { maxKeys: 6 });
  await fc.assert(
    fc.asyncProperty(entries, async (wanted) => {
      const back = await unpackSeed(await packSeed(new Map(Object.entries(wanted))));
      expect([...back.keys()].sort()).toEqual(Object.keys(wanted).sort());
      for (const [key, bytes] of back) expect(Buffer.from(bytes)).toEqual(Buffer.from(wanted[key] ?? []));
    }),
    { numRuns: 50 },
  );
});

test.each([
  ['bytes that are no archive', randomBytes(500), 'unreadable'],
  ['an archive cut short', gzipSync(Buffer.alloc(4_096, 7)).subarray(0, 20), 'unreadable'],
  ['nothing', new Uint8Array(), 'unreadable'],
  ['an archive that grows beyond measure', gzipSync(Buffer.alloc(64 * 1024 * 1024)), 'too-large'],
])('%s is told by its code', async (_, bytes, code) => {
  await expect(unpackSeed(bytes)).rejects.toMatchObject({ name: 'SeedError', code });
});
