import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Host, type HostPath, joinHostPath } from '../index.ts';
import { createLocalHost } from '../local/index.ts';
import { createMemoryHost } from '../testing/index.ts';
import { walk } from '../walk.ts';
import { packDirectory } from './pack-directory.ts';
import type { TarEntry } from './tar-entry.ts';
import { encodeTarEnd, encodeTarHeader } from './tar-header.ts';
import { readTar } from './tar-reader.ts';
import { unpackDirectory } from './unpack-directory.ts';

type Tree =
  | { readonly kind: 'file'; readonly content: Uint8Array; readonly mode: number; readonly time: number }
  | { readonly kind: 'symlink'; readonly target: string }
  | { readonly kind: 'directory'; readonly mode: number; readonly entries: ReadonlyMap<string, Tree> };

const name = fc
  .oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
    fc.constantFrom('-C', '\n', "'", '\\n', '\udcff', 'a\udc80', 'n'.repeat(120)),
  )
  .map((text) => text.replaceAll(/[/\0]/g, '_'))
  .filter((text) => text !== '.' && text !== '..' && Buffer.byteLength(text) < 200);
const time = fc.integer({ min: 0, max: 4_000_000_000_000 });
const { tree } = fc.letrec<{ tree: Tree; directory: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.record({
      kind: fc.constant('file' as const),
      content: fc.uint8Array({ maxLength: 1_500 }),
      mode: fc.constantFrom(0o600, 0o644, 0o755, 0o400),
      time,
    }),
    fc.record({ kind: fc.constant('symlink' as const), target: name }),
    tie('directory'),
  ),
  directory: fc.record({
    kind: fc.constant('directory' as const),
    mode: fc.constantFrom(0o700, 0o755, 0o775),
    entries: fc.array(fc.tuple(name, tie('tree')), { maxLength: 4 }).map((pairs) => new Map(pairs)),
  }),
}));

async function plant(host: Host, path: HostPath, node: Tree): Promise<void> {
  if (node.kind === 'symlink') return await host.link(path, node.target);
  if (node.kind === 'file') {
    await host.writeFile(path, node.content, { mode: node.mode });
    return await host.setModified(path, node.time);
  }
  await host.makeDirectory(path);
  for (const [entry, child] of node.entries) await plant(host, joinHostPath(path, entry), child);
  await host.setMode(path, node.mode);
}

async function describeTree(host: Host, root: HostPath): Promise<unknown[]> {
  const described: unknown[] = [];
  for await (const { relativePath, path, stat } of walk(host, root)) {
    const { kind, mode } = stat;
    if (kind === 'symlink') described.push([relativePath, kind, await host.readLink(path)]);
    else if (kind === 'directory') described.push([relativePath, kind, mode]);
    else
      described.push([
        relativePath,
        kind,
        mode,
        Math.round(stat.modifiedMs),
        await hexOf(await host.readFile(path)),
      ]);
  }
  return described;
}

async function hexOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  return Buffer.from(await new Response(stream).arrayBuffer()).toString('hex');
}

const hosts = { local: createLocalHost(), memory: createMemoryHost() };
const folder = joinHostPath(hosts.local.tmp, `seedbed-archive-${crypto.randomUUID()}`);

beforeAll(async () => {
  for (const host of Object.values(hosts)) await host.makeDirectory(folder);
});
afterAll(async () => {
  for (const host of Object.values(hosts)) {
    await host.remove(folder, { recursive: true });
    await host[Symbol.asyncDispose]();
  }
});

describe('an archive', () => {
  for (const [from, to] of [
    ['memory', 'memory'],
    ['local', 'memory'],
    ['memory', 'local'],
    ['local', 'local'],
  ] as const) {
    it(`brings any tree from a ${from} host to a ${to} host as it was`, async () => {
      const runs = from === 'memory' && to === 'memory' ? 100 : 8;
      const root = fc.record({
        kind: fc.constant('directory' as const),
        mode: fc.constant(0o755),
        entries: fc.array(fc.tuple(name, tree), { maxLength: 6 }).map((pairs) => new Map(pairs)),
      });
      await fc.assert(
        fc.asyncProperty(root, async (planted) => {
          const [source, copy] = [joinHostPath(folder, 'source'), joinHostPath(folder, 'copy')];
          try {
            await plant(hosts[from], source, planted);
            await unpackDirectory(hosts[to], copy, packDirectory(hosts[from], source), {
              outsideLinks: 'keep',
            });
            expect(await describeTree(hosts[to], copy)).toEqual(await describeTree(hosts[from], source));
          } finally {
            await hosts[from].remove(source, { recursive: true });
            await hosts[to].remove(copy, { recursive: true });
          }
        }),
        { numRuns: runs },
      );
    }, 60_000);
  }

  it('is read by another tar as what it says', async () => {
    const entries: TarEntry[] = [
      { kind: 'directory', name: 'd'.repeat(150), mode: 0o750, modifiedMs: 1_000, size: 0, target: '' },
      {
        kind: 'file',
        name: `${'d'.repeat(150)}/${'é'.repeat(90)}`,
        mode: 0o640,
        modifiedMs: 1_600_000_000_250,
        size: 0,
        target: '',
      },
      { kind: 'symlink', name: 'link', mode: 0o777, modifiedMs: 0, size: 0, target: 't'.repeat(300) },
    ];
    const archive = Buffer.concat([...entries.map(encodeTarHeader), encodeTarEnd()]);
    const listing = execFileSync(
      'tar',
      [
        '--list',
        '--verbose',
        '--file=-',
        '--utc',
        '--full-time',
        '--quoting-style=literal',
        '--numeric-owner',
      ],
      { input: archive, env: { ...process.env, LC_ALL: 'C.UTF-8' } },
    ).toString();
    expect(listing).toContain(`drwxr-x--- 0/0               0 1970-01-01 00:00:01 ${'d'.repeat(150)}/\n`);
    expect(listing).toContain(
      `-rw-r----- 0/0               0 2020-09-13 12:26:40.25 ${'d'.repeat(150)}/${'é'.repeat(90)}\n`,
    );
    expect(listing).toContain(`link -> ${'t'.repeat(300)}\n`);
  });

  it('carries any header that an entry can have', async () => {
    const entry = fc.record({
      kind: fc.constantFrom('directory' as const, 'symlink' as const, 'hard-link' as const),
      name: fc.array(name, { minLength: 1, maxLength: 12 }).map((parts) => parts.join('/')),
      mode: fc.integer({ min: 0, max: 0o7777 }),
      modifiedMs: fc.integer({ min: -4_000_000_000_000, max: 4_000_000_000_000 }),
      size: fc.constant(0),
      target: fc.array(name, { minLength: 1, maxLength: 12 }).map((parts) => parts.join('/')),
    });
    await fc.assert(
      fc.asyncProperty(entry, async (written) => {
        const stream = new Blob([
          new Uint8Array(Buffer.concat([encodeTarHeader(written), encodeTarEnd()])),
        ]).stream();
        const read: TarEntry[] = [];
        for await (const reading of readTar(stream)) read.push(reading.entry);
        const suffix = written.kind === 'directory' ? '/' : '';
        expect(read).toEqual([{ ...written, name: `${written.name}${suffix}` }]);
      }),
    );
  });

  it('of noise is refused, never misread, never waited for', async () => {
    const whole = Buffer.concat([
      encodeTarHeader({ kind: 'file', name: 'file', mode: 0o644, modifiedMs: 5_000, size: 5, target: '' }),
      Buffer.from('12345'),
      Buffer.alloc(507),
      encodeTarEnd(),
    ]);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const damaged = Buffer.from(whole);
        damaged[at] = (damaged[at] ?? 0) ^ change;
        const outcome = await (async () => {
          const names: string[] = [];
          for await (const { entry } of readTar(new Blob([new Uint8Array(damaged)]).stream()))
            names.push(entry.name);
          return names;
        })().catch((failure: { code?: string }) => failure.code);
        const isContent = at >= 512 && at < 1_024;
        // What follows the digits of a checksum, or how its leading zeros are written, says nothing.
        const isChecksum = at >= 148 && at < 156;
        if (!isChecksum) expect(outcome).toEqual(isContent ? ['file'] : 'invalid-archive');
        else expect([['file'], 'invalid-archive']).toContainEqual(outcome);
      }),
    );
  });
});
