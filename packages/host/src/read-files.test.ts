import { createHash } from 'node:crypto';
import { appendFile, chmod, mkdir, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { byCommand, openToolHosts } from '../test/tool-hosts.ts';
import { type FileRange, type Host, hashFiles, hostPath, readFiles } from './index.ts';
import { createLocalHost } from './local/index.ts';

const isRoot = process.getuid?.() === 0;
const tools = await openToolHosts();
const plain = createLocalHost();
const folder = hostPath(`${plain.tmp}/seedbed-many-${crypto.randomUUID()}`);
const at = (name: string): string => `${folder}/${name}`;
const large = Buffer.alloc(3_000_001, 'seven!!');

beforeEach(async () => {
  await rm(folder, { recursive: true, force: true });
  await mkdir(at('dir'), { recursive: true });
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await tools[Symbol.asyncDispose]();
  await plain[Symbol.asyncDispose]();
});

describe.for(tools.hosts)('many files, read with %s', ([name, create]) => {
  const open = (): Host => create?.() ?? plain;
  beforeEach((context) => context.skip(create === undefined, `${name}: not on this machine`));

  it('come as they are, any part of any file, in any order', { timeout: 60_000 }, async () => {
    await using host = open();
    await fc.assert(
      fc.asyncProperty(fc.array(planned, { minLength: 1, maxLength: 12 }), async (plan) => {
        await rm(folder, { recursive: true, force: true });
        const contents = new Map<string, Uint8Array>();
        for (const { folder: below, name: file, content } of plan) {
          await host.makeDirectory(hostPath(at(below)));
          await host.writeFile(hostPath(`${at(below)}/${file}`), content);
          contents.set(`${below}/${file}`, content);
        }
        const ranges = plan.map(({ folder: below, name: file, offset, length }) => ({
          relativePath: `${below}/${file}`,
          offset,
          length,
        }));
        const expected = ranges.map(({ relativePath, offset, length }) =>
          Buffer.from(contents.get(relativePath) ?? []).subarray(offset, offset + length),
        );
        expect(await read(host, ranges)).toEqual(
          ranges.map(({ relativePath, length }, index) => {
            const bytes = expected[index] ?? Buffer.alloc(0);
            return `read ${relativePath} ${length - bytes.length} ${bytes.toString('hex')}`;
          }),
        );
        const hashes = await Array.fromAsync(hashFiles(host, folder, ranges));
        expect(hashes).toEqual(
          ranges.map(({ relativePath }, index) => {
            const bytes = expected[index] ?? Buffer.alloc(0);
            return {
              relativePath,
              sha256: createHash('sha256').update(bytes).digest('hex'),
              bytes: bytes.length,
            };
          }),
        );
      }),
      { numRuns: name === 'BusyBox' ? 10 : 25 },
    );
  });

  it('may shrink, grow, vanish and change their kind: the others come all the same', async () => {
    await using host = open();
    await writeFile(at('dir/a'), 'aaaa');
    await writeFile(at('dir/b'), 'bbbb');
    await writeFile(at('dir/grown'), 'x'.repeat(100));
    await writeFile(at('dir/shrunk'), 'x');
    await mkdir(at('dir/folder'));
    await symlink('a', at('dir/link'));
    const names = ['a', 'grown', 'shrunk', 'folder', 'gone', 'link', 'b'];
    const ranges = names.map((one) => ({ relativePath: `dir/${one}`, length: 4 }));
    expect(await read(host, ranges)).toEqual([
      `read dir/a 0 ${hex('aaaa')}`,
      `read dir/grown 0 ${hex('xxxx')}`,
      `read dir/shrunk 3 ${hex('x')}`,
      'not-a-file dir/folder 4 ',
      'gone dir/gone 4 ',
      'not-a-file dir/link 4 ',
      `read dir/b 0 ${hex('bbbb')}`,
    ]);
  });

  it('are no larger than was asked for when one has grown beyond all measure', async () => {
    await using host = open();
    await writeFile(at('dir/a'), 'aaaa');
    await writeFile(at('dir/giant'), '');
    await truncate(at('dir/giant'), 400_000_000_000);
    await writeFile(at('dir/b'), 'bbbb');
    const ranges = ['a', 'giant', 'b'].map((one) => ({ relativePath: `dir/${one}`, length: 4 }));
    const found = [`read dir/a 0 ${hex('aaaa')}`, 'read dir/giant 0 00000000', `read dir/b 0 ${hex('bbbb')}`];
    expect(await read(host, [...ranges, ...ranges])).toEqual([...found, ...found]);
  });

  it('may be cut or grow while they are read', async () => {
    await using host = open();
    await writeFile(at('small'), 'small');
    const changes = [
      [2_500_000, () => truncate(at('large'), 2_500_000)],
      [large.length, () => appendFile(at('large'), 'more')],
    ] as const;
    for (const [size, change] of changes) {
      await writeFile(at('large'), large);
      const ranges = [
        { relativePath: 'large', length: large.length },
        { relativePath: 'small', length: 5 },
      ];
      const seen: string[] = [];
      for await (const { relativePath, body, bytesMissing } of readFiles(host, folder, ranges)) {
        const chunks: Uint8Array[] = [];
        for await (const chunk of body) {
          if (relativePath === 'large' && chunks.length === 0) await change();
          chunks.push(chunk);
        }
        const bytes = Buffer.concat(chunks);
        if (relativePath === 'large') expect(bytes.equals(large.subarray(0, bytes.length))).toBe(true);
        seen.push(`${relativePath} ${bytes.length} ${bytesMissing()}`);
      }
      expect(seen).toEqual([`large ${size} ${large.length - size}`, 'small 5 0']);
    }
  });

  it('are never those behind a link that comes and goes', { timeout: 60_000 }, async () => {
    await using host = open();
    await mkdir(at('outside'));
    await mkdir(at('root/dir'), { recursive: true });
    await writeFile(at('outside/file'), 'secret');
    await writeFile(at('root/dir/file'), 'inside');
    await writeFile(at('root/top'), 'inside');
    await symlink('../outside', at('root/to-folder'));
    await symlink('../outside/file', at('root/to-file'));
    const swap = (one: string, other: string): string =>
      `mv -T ${one} x; mv -T ${other} ${one}; mv -T x ${other}`;
    const script = `while :; do ${swap('dir', 'to-folder')}; ${swap('top', 'to-file')}; done`;
    await using swapping = await plain.spawn({ argv: ['sh', '-c', script], cwd: hostPath(at('root')) });
    const ranges = Array.from({ length: 150 }, (_, index) =>
      index % 3 === 0
        ? { relativePath: 'root/top', length: 6 }
        : { relativePath: 'root/dir/file', length: 6 },
    );
    for (const { status, text } of await readAll(host, ranges)) {
      if (text !== '' || status === 'unreadable') expect([status, text]).toEqual(['read', 'inside']);
    }
    await swapping.end({ from: 'kill' });
  });

  it.skipIf(!isRoot)('are told of where they may not be read', async () => {
    await using host = open();
    await writeFile(at('secret'), 'secret', { mode: 0o600 });
    await writeFile(at('ten'), '0123456789');
    await mkdir(at('closed'));
    await writeFile(at('closed/file'), 'secret');
    await chmod(at('closed'), 0o700);
    const ranges = ['secret', 'ten', 'closed/file'].map((relativePath) => ({ relativePath, length: 2 }));
    const found = await read(unprivileged(byCommand(host)), ranges);
    expect(found).toEqual(['unreadable secret 2 ', `read ten 0 ${hex('01')}`, 'unreadable closed/file 2 ']);
  });
});

describe('many files', () => {
  const two = ['a', 'b'].map((relativePath) => ({ relativePath, length: 2 }));
  const found = [`read a 0 ${hex('aa')}`, `read b 0 ${hex('bb')}`];
  beforeEach(async () => {
    await writeFile(at('a'), 'aa');
    await writeFile(at('b'), 'bb');
  });

  it('come one by one where tar sends something else', async () => {
    await writeFile(
      at('dir/tar'),
      '#!/bin/sh\n[ "$1" = --version ] && echo GNU tar || head -c 10240 /dev/zero\n',
      {
        mode: 0o755,
      },
    );
    await using host = byCommand(createLocalHost({ env: { PATH: `${at('dir')}:${plain.env['PATH']}` } }));
    expect(await read(host, two)).toEqual(found);
  });

  it('come through file operations where there is no shell, or no tools', async () => {
    await using none = byCommand(createLocalHost({ env: { PATH: at('nowhere') } }));
    expect(await read(none, two)).toEqual(found);
    const silent = { ...byCommand(plain), spawn: () => plain.spawn({ argv: ['false'] }) };
    expect(await read(silent, two)).toEqual(found);
    expect((await Array.fromAsync(hashFiles(silent, folder, two))).map(({ bytes }) => bytes)).toEqual([2, 2]);
  });

  it('are at an end with the command that sends them, or with what asks for them', async () => {
    const host = byCommand(plain);
    await writeFile(at('large'), large);
    const ranges = [{ relativePath: 'large', length: large.length }, ...two];
    const dying: Host = {
      ...host,
      async spawn(command, options) {
        const process = await plain.spawn(command, options);
        const stdout = process.stdout.pipeThrough(
          new TransformStream<Uint8Array, Uint8Array>({
            async transform(chunk, controller) {
              controller.enqueue(chunk);
              await process.end({ from: 'kill' });
            },
          }),
        );
        return { ...process, stdout };
      },
    };
    await expect(read(dying, ranges)).rejects.toMatchObject({ code: 'io' });
    const broken = async function* (): AsyncGenerator<FileRange> {
      yield* two;
      throw new Error('no more to ask');
    };
    await expect(read(host, broken())).rejects.toThrow('no more to ask');
    await expect(read(plain, broken())).rejects.toThrow('no more to ask');
  });
});

const fileName = fc
  .oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
    fc.constantFrom('-C', '\n', 'a\n', "'", '\\n', '\\', '\udcff', 'a\udc80', 'n'.repeat(200), '$(x)', '*'),
  )
  .map((text) => text.replaceAll(/[/\0]/g, '_'))
  .filter((text) => text !== '.' && text !== '..' && Buffer.byteLength(text) < 200 + 1);
const planned = fc.record({
  folder: fc.constantFrom('one', 'two', 'two/three', '-\n four'),
  name: fileName.map((text) => `${text}f`),
  content: fc.oneof(fc.uint8Array({ maxLength: 1_500 }), fc.constant(new Uint8Array(70_000).fill(7))),
  offset: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(2_000)),
  length: fc.oneof(fc.nat(2_000), fc.constantFrom(0, 70_000, 300_000)),
});

interface Read {
  readonly status: string;
  readonly relativePath: string;
  readonly missing: number;
  readonly text: string;
}

async function readAll(
  host: Host,
  ranges: Iterable<FileRange> | AsyncIterable<FileRange>,
  encoding: BufferEncoding = 'utf8',
): Promise<readonly Read[]> {
  const found: Read[] = [];
  for await (const { relativePath, status, body, bytesMissing } of readFiles(host, folder, ranges)) {
    const text = Buffer.concat(await Array.fromAsync(body)).toString(encoding);
    found.push({ status, relativePath, missing: bytesMissing(), text });
  }
  return found;
}

async function read(
  host: Host,
  ranges: Iterable<FileRange> | AsyncIterable<FileRange>,
): Promise<readonly string[]> {
  const found = await readAll(host, ranges, 'hex');
  return found.map(
    ({ status, relativePath, missing, text }) => `${status} ${relativePath} ${missing} ${text}`,
  );
}

function hex(text: string): string {
  return Buffer.from(text).toString('hex');
}

/** The same host, whose processes may do no more than anybody. */
function unprivileged(host: Host): Host {
  const setpriv = ['/usr/bin/setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] as const;
  return {
    ...host,
    spawn: async (command, options) =>
      await host.spawn({ ...command, argv: [...setpriv, ...command.argv] }, options),
  };
}
