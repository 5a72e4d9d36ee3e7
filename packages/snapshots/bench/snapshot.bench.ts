import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import {
  type BenchContext,
  type BenchResult,
  type BenchTopic,
  compare,
  median,
  pairedRuns,
} from '@seedbed/bench';
import { type Host, hostPath, packDirectory } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { openSshHost } from '@seedbed/host/ssh';
import { openSshd } from '@seedbed/host/testing';
import { openMongodbServers } from '@seedbed/mongodb-server';
import { GridFSBucket, MongoClient } from 'mongodb';
import { peakMemory } from './peak-memory.ts';
import { SAVE_ONCE } from './save-once.ts';
import {
  type EmbeddedStore,
  isOnPath,
  openEmbeddedStore,
  plantSourceTree,
  runTool,
  type TreeSize,
} from './snapshot-ground.ts';

export interface SnapshotSizes extends TreeSize {
  readonly rounds: number;
}

export const topic: BenchTopic = {
  name: 'snapshot',
  measure: (context) => measureSnapshots(context, { files: 10_000, fileBytes: 40_000, rounds: 3 }),
};

type Work = () => Promise<unknown>;

/** A tree of source, saved: the first time, unchanged, with one file changed. */
export async function measureSnapshots(
  context: BenchContext,
  sizes: SnapshotSizes,
): Promise<readonly BenchResult[]> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.adopt(await mkdtemp(join(tmpdir(), 'seedbed-bench-')), (path) =>
    rm(path, { recursive: true, force: true }),
  );
  const tree = join(folder, 'tree');
  context.progress(`making ${sizes.files} files of ${sizes.fileBytes} bytes`);
  await plantSourceTree(tree, sizes);
  const local = stack.use(createLocalHost());
  const sshd = stack.use(await openSshd());
  const { host, port, user, privateKey, fingerprint } = sshd;
  const remote = stack.use(
    await openSshHost({ host, port, user, auth: { privateKey }, hostKey: { fingerprint } }),
  );
  const results: BenchResult[] = [...(await measureMemory(context, { tree, folder }))];
  for (const [where, each] of [
    ['', local],
    [' over SSH', remote],
  ] as const) {
    await using store = await openEmbeddedStore();
    results.push(...(await measureOn(context, { ...sizes, where, host: each, store, tree, folder })));
  }
  return results;
}

/** Of a program that does nothing but save the tree for the first time, its own weight included. */
async function measureMemory(
  { signal, progress }: BenchContext,
  { tree, folder }: { readonly tree: string; readonly folder: string },
): Promise<readonly BenchResult[]> {
  if (process.platform !== 'linux' || !(await isOnPath('restic'))) {
    progress('memory not compared: that needs Linux, and restic');
    return [];
  }
  progress('memory of the first, against restic');
  const env = resticEnvironment(join(folder, 'other'), folder);
  await runTool(['restic', '--quiet', 'init', '--repository-version', '2'], { signal, env });
  const theirs = await peakMemory(['restic', '--quiet', 'backup', tree], { signal, env });
  await rm(join(folder, 'other'), { recursive: true, force: true });
  const ours = await peakMemory([process.execPath, SAVE_ONCE, tree], { signal });
  const alternative = { name: 'restic', value: theirs };
  return [compare({ name: 'memory of a first snapshot', unit: 'MB', better: 'lower', ours, alternative })];
}

function resticEnvironment(repository: string, folder: string): Readonly<Record<string, string>> {
  return {
    RESTIC_PASSWORD: 'bench',
    RESTIC_REPOSITORY: repository,
    RESTIC_CACHE_DIR: join(folder, 'restic-cache'),
  };
}

interface Ground extends SnapshotSizes {
  /** For names. */
  readonly where: string;
  readonly host: Host;
  readonly store: EmbeddedStore;
  readonly tree: string;
  readonly folder: string;
}

async function measureOn(context: BenchContext, ground: Ground): Promise<readonly BenchResult[]> {
  const { where, host, store, tree, folder } = ground;
  const { signal } = context;
  const save = async (): Promise<void> => {
    await store.anew().save(host, hostPath(tree), { task: 'bench', exclude: [], keep: 2, signal });
  };
  let edits = 0;
  const edit = async (): Promise<void> => {
    edits += 1;
    await appendFile(join(tree, 'package-0/module-0/file-0.ts'), `// ${edits}\n`);
  };
  const steps: readonly { readonly name: string; readonly before: Work }[] = [
    { name: 'first', before: () => store.clear() },
    { name: 'unchanged', before: async () => undefined },
    { name: 'one file changed', before: edit },
  ];
  const results: BenchResult[] = [];
  for (const other of await alternatives(context, ground)) {
    await other.setUp();
    for (const { name, before } of steps) {
      if (name !== 'first' && !other.isIncremental && name !== 'one file changed') continue;
      context.progress(`${name}${where}, against ${other.name}`);
      const timed = (prepare: Work, work: Work) => async (): Promise<number> => {
        await prepare();
        const began = performance.now();
        await work();
        return (performance.now() - began) / 1_000;
      };
      const prepareOther =
        name === 'first' ? other.clear : name === 'unchanged' ? async () => undefined : edit;
      const times = await pairedRuns(timed(before, save), timed(prepareOther, other.save), {
        rounds: ground.rounds,
        warmUp: name === 'first' ? 0 : 1,
        signal,
      });
      const [ours, value] = [median(times.ours), median(times.theirs)];
      const alternative = { name: other.name, value };
      results.push(
        compare({ name: `${name} snapshot${where}`, unit: 's', better: 'lower', ours, alternative }),
      );
    }
    await other.tearDown();
    await rm(join(folder, 'other'), { recursive: true, force: true });
  }
  return results;
}

interface Alternative {
  readonly name: string;
  /** Whether it knows what it saved before. */
  readonly isIncremental: boolean;
  readonly setUp: Work;
  readonly clear: Work;
  readonly save: Work;
  readonly tearDown: Work;
}

async function alternatives(
  { signal, progress }: BenchContext,
  { where, host, tree, folder }: Ground,
): Promise<readonly Alternative[]> {
  const nothing = async (): Promise<void> => undefined;
  const place = join(folder, 'other');
  const found: Alternative[] = [wholeTarInGridFs({ host, tree })];
  // The others run on the machine where the files are.
  if (where !== '') return found;
  if (await isOnPath('restic')) {
    const env = resticEnvironment(place, folder);
    const restic = (...args: readonly string[]): Promise<void> =>
      runTool(['restic', '--quiet', ...args], { signal, env });
    const init = async (): Promise<void> => {
      await rm(place, { recursive: true, force: true });
      await rm(join(folder, 'restic-cache'), { recursive: true, force: true });
      await restic('init', '--repository-version', '2');
    };
    found.push({
      ...{ name: 'restic', isIncremental: true, setUp: init, clear: init, tearDown: nothing },
      save: () => restic('backup', tree),
    });
  } else progress('not compared with restic, which is not on this machine');
  if (await isOnPath('zstd')) {
    found.push({
      ...{ name: 'tar | zstd -1', isIncremental: false, setUp: nothing, clear: nothing, tearDown: nothing },
      save: () => runTool(['sh', '-c', `tar -cf - -C '${tree}' . | zstd -q -1 -f -o '${place}'`], { signal }),
    });
  } else progress('not compared with zstd, which is not on this machine');
  return found;
}

/** What optio-codex does: the whole folder as one tar.gz in GridFS. */
function wholeTarInGridFs({ host, tree }: Pick<Ground, 'host' | 'tree'>): Alternative {
  const opened = new AsyncDisposableStack();
  let bucket: GridFSBucket | undefined;
  const clear = async (): Promise<void> => {
    await bucket?.drop().catch(() => undefined);
  };
  return {
    name: 'tar.gz into GridFS',
    isIncremental: false,
    async setUp() {
      const { servers } = opened.use(await openMongodbServers());
      const client = opened.adopt(await new MongoClient(servers[0]?.uri ?? '').connect(), (each) =>
        each.close(),
      );
      bucket = new GridFSBucket(client.db('bench'));
    },
    clear,
    async save() {
      if (bucket === undefined) throw new Error('It has not been set up.');
      const packed = packDirectory(host, hostPath(tree));
      await pipeline(packed, createGzip(), bucket.openUploadStream('workdir', { chunkSizeBytes: 261_120 }));
    },
    tearDown: () => opened.disposeAsync(),
  };
}
