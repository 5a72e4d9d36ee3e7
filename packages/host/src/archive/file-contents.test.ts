import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBusyboxRoot, whyNoBusybox } from '../../test/busybox-root.ts';
import { type Host, type HostPath, joinHostPath } from '../index.ts';
import { createLocalHost } from '../local/index.ts';
import { openFileContents, type WantedFile } from './file-contents.ts';

const isRoot = process.getuid?.() === 0;
const busybox = whyNoBusybox() === undefined ? await createBusyboxRoot() : undefined;
const plain = createLocalHost();
const folder = joinHostPath(plain.tmp, `seedbed-contents-${crypto.randomUUID()}`);
const at = (name: string): HostPath => joinHostPath(folder, name);
const large = Buffer.alloc(3_000_001, 'seven!!');

beforeAll(async () => {
  await plain.makeDirectory(at('dir'));
  await plain.writeFile(at('ten'), '0123456789');
  await plain.writeFile(at('empty'), '');
  await plain.writeFile(at('large'), large);
  await plain.writeFile(at('-n\n"$(x)\\'), 'odd');
  await plain.link(at('link'), 'ten');
  await plain.writeFile(at('secret'), 'secret', { mode: 0o600 });
  await plain.setMode(folder, 0o755);
});
afterAll(async () => {
  await plain.remove(folder, { recursive: true });
  await busybox?.[Symbol.asyncDispose]();
  await plain[Symbol.asyncDispose]();
});

const hosts: readonly [string, (() => Host) | undefined][] = [
  ["GNU's tools", process.platform === 'linux' ? () => createLocalHost() : undefined],
  [
    'BusyBox',
    busybox && (() => createLocalHost({ env: { PATH: `${busybox.path}/bin`, HOME: busybox.path } })),
  ],
];

for (const [tools, create] of hosts) {
  describe.skipIf(create === undefined)(`the contents of files, sent by ${tools}`, () => {
    const open = (): Host => create?.() ?? plain;

    it('are as long as was asked for, whatever became of the files', async () => {
      await using host = open();
      const wanted: readonly (readonly [name: string, size: number, content: string])[] = [
        ['ten', 10, '0123456789'],
        ['ten', 4, '0123'],
        ['ten', 13, '0123456789\0\0\0'],
        ['ten', 0, ''],
        ['empty', 0, ''],
        ['empty', 3, '\0\0\0'],
        ['-n\n"$(x)\\', 3, 'odd'],
        ['missing', 5, 'gone'],
        ['dir', 5, 'gone'],
        ['link', 5, 'gone'],
        ['large', large.length, large.toString()],
        ['ten', 10, '0123456789'],
      ];
      expect(await read(host, wanted.map(toWanted))).toEqual(wanted.map(([, , content]) => content));
    });

    it.skipIf(!isRoot)('are told of where they may not be read', async () => {
      await using host = open();
      const files = [toWanted(['secret', 6]), toWanted(['ten', 2])];
      expect(await read(unprivileged(host), files)).toEqual(['unreadable', '01']);
    });

    it('need not be taken, in whole or at all', async () => {
      await using host = open();
      const files = [toWanted(['large', large.length]), toWanted(['ten', 10])];
      await using contents = await openFileContents(host, folder, { files });
      await contents.next();
      expect(await textOf(await contents.next())).toBe('0123456789');
      await using unread = await openFileContents(host, folder, { files });
      await unread.next();
    });

    it('are thousands with one command', async () => {
      await using host = open();
      const files = Array.from({ length: 3_000 }, () => toWanted(['empty', 0]));
      expect(new Set(await read(host, files))).toEqual(new Set(['']));
    });
  });
}

describe('the contents of files', () => {
  it('fail when what sends them is ended, or the folder is not there', async () => {
    const files = [toWanted(['large', large.length]), toWanted(['ten', 10])];
    const stop = new AbortController();
    await using contents = await openFileContents(plain, folder, { files, signal: stop.signal });
    await contents.next();
    stop.abort();
    await expect(contents.next()).rejects.toMatchObject({ code: 'aborted' });
    await expect(openFileContents(plain, at('missing'), { files })).rejects.toMatchObject({
      code: 'not-found',
    });
    const silent = { ...plain, spawn: () => plain.spawn({ argv: ['true'] }) };
    await using none = await openFileContents(silent, folder, { files });
    await expect(none.next()).rejects.toMatchObject({ code: 'io' });
  });
});

function toWanted([relativePath, size]: readonly [string, number, ...unknown[]]): WantedFile {
  return { relativePath, size };
}

async function read(host: Host, files: readonly WantedFile[]): Promise<readonly string[]> {
  await using contents = await openFileContents(host, folder, { files });
  const texts: string[] = [];
  for (const _ of files) texts.push(await textOf(await contents.next()));
  return texts;
}

async function textOf(content: AsyncIterable<Uint8Array> | string): Promise<string> {
  if (typeof content === 'string') return content;
  return Buffer.concat(await Array.fromAsync(content)).toString();
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
