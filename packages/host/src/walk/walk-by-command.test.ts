import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBusyboxRoot, whyNoBusybox } from '../../test/busybox-root.ts';
import { type Host, HostError, type HostPath, hostPath, joinHostPath, run } from '../index.ts';
import { createLocalHost } from '../local/index.ts';
import { createMemoryHost, type MemoryProgram } from '../testing/index.ts';
import { walk } from '../walk.ts';
import { walkByCommand } from './walk-by-command.ts';
import { walkByFolders } from './walk-by-folders.ts';
import type { WalkEntry, WalkOptions } from './walk-entry.ts';

const isLinux = process.platform === 'linux';
const isRoot = process.getuid?.() === 0;
const busybox = whyNoBusybox() === undefined ? await createBusyboxRoot() : undefined;
const plain = createLocalHost();
const folder = joinHostPath(plain.tmp, `seedbed-walk-${crypto.randomUUID()}`);

beforeAll(() => plantTree());
afterAll(async () => {
  await plain.remove(folder, { recursive: true });
  await busybox?.[Symbol.asyncDispose]();
  await plain[Symbol.asyncDispose]();
});

const hosts: readonly [string, (() => Host) | undefined][] = [
  ['GNU find', isLinux ? () => createLocalHost() : undefined],
  [
    'BusyBox find',
    busybox && (() => createLocalHost({ env: { PATH: `${busybox.path}/bin`, HOME: busybox.path } })),
  ],
];

for (const [tool, create] of hosts) {
  describe.skipIf(create === undefined)(`walking with ${tool}`, () => {
    const open = (): Host => create?.() ?? plain;

    it('gives what walking folder by folder gives, whatever is left out', async () => {
      await using host = open();
      const root = joinHostPath(folder, 'tree');
      const excludes = [
        [],
        ['node_modules', '-rf'],
        ['a/b', 'a/*.log', '/c/', '*\n*'],
        ['..', '.', '...', '{a,b}', '!a', 'a/b/'],
        ['node_modules', 'b', 'file', '*.log', '!a/b', '!/a/node_modules/'],
        ['node_modules', '*', '!a', '!c d'],
      ];
      for (const exclude of excludes) {
        const expected = await Array.fromAsync(walkByFolders(plain, root, { exclude }));
        const listed = await walkByCommand(host, root, { exclude });
        expect(listed && [...listed]).toEqual(expected);
      }
    });

    it('stops where walking folder by folder stops', async () => {
      await using host = open();
      const root = joinHostPath(folder, 'tree');
      const limits: WalkOptions[] = [
        { maxDepth: 0 },
        { maxDepth: 1 },
        { maxDepth: 2 },
        { maxEntries: 5 },
        { maxBytes: 3 },
      ];
      for (const options of limits) {
        await expect(walkByCommand(host, root, options)).rejects.toMatchObject({ code: 'limit-exceeded' });
        await expect(Array.fromAsync(walkByFolders(plain, root, options))).rejects.toMatchObject({
          code: 'limit-exceeded',
        });
      }
      expect(await all(host, root, { maxDepth: Number.POSITIVE_INFINITY })).toEqual(await all(host, root));
      const exact = { maxDepth: 4, maxEntries: [...(await all(host, root))].length };
      expect(await all(host, root, exact)).toHaveLength(exact.maxEntries);
      await expect(all(host, root, { signal: AbortSignal.abort() })).rejects.toMatchObject({
        code: 'aborted',
      });
    });

    it.skipIf(!isRoot)('tells of folders that it may not read or enter', async () => {
      await using host = open();
      const root = joinHostPath(folder, 'closed');
      const told: string[] = [];
      const listed = await walkByCommand(unprivileged(host), root, {
        onUnreadable: (path) => told.push(path),
      });
      const names = ['no-entry', 'no-list', 'nothing', 'open'];
      expect([...(listed ?? [])].map(({ relativePath }) => relativePath)).toEqual([...names, 'open/file']);
      expect(told.sort()).toEqual(['no-entry', 'no-list', 'nothing']);
      await expect(walkByCommand(unprivileged(host), root, {})).rejects.toMatchObject({
        code: 'permission-denied',
      });
      const exclude = ['no-*', 'nothing'];
      expect([...((await walkByCommand(unprivileged(host), root, { exclude })) ?? [])]).toHaveLength(2);
      // What it is called to walk, it leaves to the file operations to refuse.
      expect(await walkByCommand(unprivileged(host), joinHostPath(root, 'no-list'), {})).toBeUndefined();
    });

    it('leaves it to the file operations to say what is wrong with the folder itself', async () => {
      await using host = open();
      await host.writeFile(joinHostPath(folder, 'plain'), '');
      await expect(all(host, joinHostPath(folder, 'none'))).rejects.toMatchObject({ code: 'not-found' });
      await expect(all(host, joinHostPath(folder, 'plain'))).rejects.toMatchObject({
        code: 'not-a-directory',
      });
    });

    it('follows a link that it is given as the folder, and bears what comes and goes meanwhile', async () => {
      await using host = open();
      const root = joinHostPath(folder, `busy with ${tool}`);
      const link = joinHostPath(folder, `link with ${tool}`);
      await host.makeDirectory(joinHostPath(root, 'lasting'));
      await host.link(link, root);
      const stop = new AbortController();
      const churning = churn(root, stop.signal);
      for (let round = 0; round < 10; round += 1) {
        const seen = await all(host, link);
        expect(seen.map(({ relativePath }) => relativePath)).toContain('lasting');
      }
      stop.abort();
      await churning;
    });
  });
}

describe('a walk', () => {
  it('makes do with file operations where what the host prints is no listing', async () => {
    const listings: MemoryProgram[] = [
      () => 0,
      () => 3,
      async ({ print }) => await print('find\0f644 0 1:1 0 0\0name'),
      async ({ print }) => await print('x'.repeat(200_000)),
      complaining("find: './name': Input/output error"),
      complaining("find: './name': Permission denied"),
    ];
    for (const sh of listings) {
      const host = createMemoryHost({ programs: { sh } });
      await host.writeFile(joinHostPath(host.home, 'file'), 'x');
      expect((await all(host, host.home)).map(({ relativePath }) => relativePath)).toEqual(['file']);
    }
    const host = createMemoryHost({
      programs: { sh: complaining("find: './gone': No such file or directory") },
    });
    expect((await all(host, host.home)).map(({ relativePath }) => relativePath)).toEqual(['name']);
  });

  it('keeps no tree of which it would need much memory', async () => {
    const name = 'n'.repeat(4_000);
    const sh: MemoryProgram = async ({ print }) => {
      await print('find\0');
      for (let count = 0; count < 20_000; count += 100)
        await print(`f644 0 1:1 0 0\0${name}\0\0`.repeat(100));
    };
    const host = createMemoryHost({ programs: { sh } });
    await host.writeFile(joinHostPath(host.home, 'file'), 'x');
    expect((await all(host, host.home)).map(({ relativePath }) => relativePath)).toEqual(['file']);
  });

  it('lists anew when the link was lost and is being restored, not when the host is gone', async () => {
    let losses = 3;
    const lost = (): HostError => new HostError('host-lost', 'the link broke');
    const host = {
      ...plain,
      spawn: async (...args: Parameters<Host['spawn']>) => {
        losses -= 1;
        if (losses >= 0) throw lost();
        return await plain.spawn(...args);
      },
    };
    const root = joinHostPath(folder, 'tree');
    expect(await all(host, root)).toEqual(await all(plain, root));
    losses = 3;
    await expect(all({ ...host, signal: AbortSignal.abort(lost()) }, root)).rejects.toMatchObject({
      code: 'host-lost',
    });
    losses = 100;
    await expect(all(host, root)).rejects.toMatchObject({ code: 'host-lost' });
  });
});

/** Lists one entry, and fails with a message. */
function complaining(message: string): MemoryProgram {
  return async ({ print }) => {
    await print('find\0f644 0 1:1 0 0\0name\0\0');
    throw new Error(message);
  };
}

async function all(host: Host, root: HostPath, options: WalkOptions = {}): Promise<WalkEntry[]> {
  return await Array.fromAsync(walk(host, root, options));
}

async function plantTree(): Promise<void> {
  const at = (path: string): HostPath => joinHostPath(folder, path);
  for (const path of ['tree/a/b/c', 'tree/c', 'tree/node_modules/x', 'tree/b\nb', 'tree/a/-rf', 'tree/...']) {
    await plain.makeDirectory(at(path));
  }
  for (const path of [
    'a/x.log',
    'a/b/c/deep',
    'a.b',
    'a-',
    'node_modules/x/y',
    'b\nb/\n',
    'a/-rf/z',
    '.hidden',
  ])
    await plain.writeFile(at(`tree/${path}`), 'x');
  await plain.link(at('tree/link'), 'a/b\nand more\n');
  await plain.link(at('tree/dir-link'), 'a');
  await plain.link(at('tree/hard'), at('tree/a.b'), { hard: true });
  await plain.setModified(at('tree/a.b'), -1_500);
  if (!isLinux) return;
  await run(plain, { argv: ['mkfifo', at('tree/fifo')] }, { check: true });
  for (const path of ['closed/no-entry', 'closed/no-list', 'closed/nothing', 'closed/open']) {
    await plain.makeDirectory(at(path));
    await plain.writeFile(at(`${path}/file`), 'x');
  }
  for (const [path, mode] of [
    ['.', 0o755],
    ['no-entry', 0o744],
    ['no-list', 0o711],
    ['nothing', 0o700],
  ] as const)
    await plain.setMode(at(`closed/${path}`), mode);
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

async function churn(root: HostPath, signal: AbortSignal): Promise<void> {
  for (let round = 0; !signal.aborted; round += 1) {
    const path = joinHostPath(root, `${round % 7}`, 'x', 'y');
    await plain.makeDirectory(path);
    await plain.remove(hostPath(`${root}/${(round + 3) % 7}`), { recursive: true });
  }
}
