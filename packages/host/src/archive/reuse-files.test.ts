import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { mountSmallDisk, whyNoSmallDisk } from '../../test/small-disk.ts';
import { openToolHosts } from '../../test/tool-hosts.ts';
import { type ArchiveEntry, type Host, type HostPath, joinHostPath, packEntries, walk } from '../index.ts';
import { createLocalHost } from '../local/index.ts';
import { describeTree } from '../testing/contract/planted-tree.ts';
import { unpackDirectory } from './unpack-directory.ts';

const tools = await openToolHosts();
const plain = createLocalHost();
afterAll(async () => {
  await tools[Symbol.asyncDispose]();
  await plain[Symbol.asyncDispose]();
});

const fileName = fc
  .oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }),
    fc.constantFrom('-C', '\n', '\udcff', "'", '*'),
  )
  .map((text) => `${text.replaceAll(/[/\0]/g, '_')}f`);
const plannedFile = fc.record({
  folder: fc.constantFrom('', 'one/', 'one/two/', '-\nx/'),
  name: fileName,
  content: fc.uint8Array({ maxLength: 700 }),
  mode: fc.constantFrom(0o600, 0o644, 0o755, 0o400),
  isReused: fc.boolean(),
});

// How this machine reads by itself makes no difference here.
const commands = tools.hosts.filter(([name]) => name !== 'node:fs');

describe.for(commands)('what the host has already, with %s', ([name, create]) => {
  const open = (): Host => create?.() ?? plain;
  const capabilities = {
    ...{ shell: true, pty: false, sharesLoopback: true, rawNames: true, procfs: true },
    exactTimes: name !== 'BusyBox',
  };
  beforeEach((context) => context.skip(create === undefined, `${name}: not on this machine`));

  it('makes a whole with the archive, whatever is in which', { timeout: 60_000 }, async () => {
    await using host = open();
    await fc.assert(
      fc.asyncProperty(fc.array(plannedFile, { maxLength: 8 }), async (plan) => {
        const folder = joinHostPath(host.tmp, `seedbed-reuse-${crypto.randomUUID()}`);
        const [from, to] = [joinHostPath(folder, 'from'), joinHostPath(folder, 'to')];
        try {
          await host.makeDirectory(from, { mode: 0o700 });
          for (const { folder: below, name: file, content, mode } of plan) {
            await plain.makeDirectory(joinHostPath(from, below));
            await plain.writeFile(joinHostPath(from, below, file), content, { mode });
          }
          const reused = new Set(plan.flatMap((one) => (one.isReused ? [`${one.folder}${one.name}`] : [])));
          const archive = packEntries(entriesOf(from, reused));
          await unpackDirectory(host, to, archive, { reuse: { from, files: reused } });
          const subject = { host: plain, capabilities };
          const [before, after] = [await describeTree(subject, from), await describeTree(subject, to)];
          // The folder itself is in neither.
          for (const tree of [before, after]) expect(new Map(tree).delete('')).toBe(true);
          expect([...after].slice(1)).toEqual([...before].slice(1));
        } finally {
          await plain.remove(folder, { recursive: true });
        }
      }),
      { numRuns: 12 },
    );
  });

  it('is copied where it cannot be linked', async (context) => {
    context.skip(whyNoSmallDisk() !== undefined, whyNoSmallDisk());
    await using host = open();
    await using disk = await mountSmallDisk();
    const to = joinHostPath(host.tmp, `seedbed-reuse-${crypto.randomUUID()}`);
    const files = ['top', 'dir/a', 'dir/-n\n', 'dir/\udcff'];
    try {
      await plain.makeDirectory(joinHostPath(disk.path, 'dir'));
      await plain.makeDirectory(joinHostPath(disk.path, 'dir/folder'));
      await plain.link(joinHostPath(disk.path, 'dir/link'), 'a');
      for (const file of files) {
        await plain.writeFile(joinHostPath(disk.path, file), file.slice(0, 3), { mode: 0o640 });
        await plain.setModified(joinHostPath(disk.path, file), 1_500_000_000_000);
      }
      for (const other of ['dir/link', 'dir/folder', 'dir/missing']) {
        const reuse = { from: disk.path, files: [...files, other] };
        const refused = unpackDirectory(host, to, packEntries(nothing()), { reuse });
        await expect(refused).rejects.toMatchObject({ code: 'not-found' });
      }
      await unpackDirectory(host, to, packEntries(nothing()), { reuse: { from: disk.path, files } });
      for (const file of files) {
        const [one, other] = [
          await plain.stat(joinHostPath(disk.path, file)),
          await plain.stat(joinHostPath(to, file)),
        ];
        expect(other).toMatchObject({
          kind: 'file',
          mode: 0o640,
          modifiedMs: 1_500_000_000_000,
          size: one?.size,
        });
        expect(other?.identity).not.toBe(one?.identity);
      }
    } finally {
      await plain.remove(to, { recursive: true });
    }
  });
});

async function* nothing(): AsyncGenerator<ArchiveEntry> {}

async function* entriesOf(folder: HostPath, without: ReadonlySet<string>): AsyncGenerator<ArchiveEntry> {
  for await (const { relativePath, path, stat } of walk(plain, folder)) {
    if (without.has(relativePath) || (stat.kind !== 'file' && stat.kind !== 'directory')) continue;
    const { kind, mode, modifiedMs, size } = stat;
    const body = kind === 'file' ? await plain.readFile(path) : ReadableStream.from([]);
    yield { kind, name: relativePath, mode, modifiedMs, size: kind === 'file' ? size : 0, target: '', body };
  }
}
