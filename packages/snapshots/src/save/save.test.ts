import {
  appendFile,
  chmod,
  link,
  mkdir,
  readFile,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import type { Host } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { describe, expect, it } from 'vitest';
import { type Ground, openGround } from '../../test/ground.ts';
import { pattern } from '../../test/random-tree.ts';
import { createSnapshots } from '../index.ts';
import { CHUNK_BYTES } from '../manifest/manifest.ts';

const host = createLocalHost();

/** A host on which something happens the first time that files are listed, or the n-th. */
function hostThat(happens: (listing: number) => Promise<void>): Host {
  let listings = 0;
  return {
    ...host,
    spawn: async (command, options) => {
      if (command.argv.includes('sh')) {
        listings += 1;
        await happens(listings);
      }
      return await host.spawn(command, options);
    },
  };
}

/** Files are read, or digests of them made, one or the other in each reading. */
function countingHost(): { readonly counting: Host; readonly readings: () => number } {
  let readings = 0;
  const counting: Host = {
    ...host,
    readFiles: (root, files, options) =>
      (async function* () {
        readings += 1;
        if (host.readFiles !== undefined) yield* host.readFiles(root, files, options);
      })(),
  };
  return { counting, readings: () => readings };
}

async function settled(ground: Ground): Promise<void> {
  // What was changed within the last second is read again: this is changed later than everything else.
  await writeFile(join(ground.path, 'work', '.newest'), '');
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  await writeFile(join(ground.path, 'work', '.newest'), 'x');
}

describe('saving again', () => {
  it('reads and stores nothing of what did not change', async () => {
    await using ground = await openGround();
    const { work, snapshots } = ground;
    for (let at = 0; at < 50; at += 1) await writeFile(join(work, `file-${at}`), pattern(20_000, at));
    await settled(ground);
    const first = await snapshots.save(host, work, { task: 't' });
    expect(first.progress).toMatchObject({ phase: 'saved', files: 51, readBytes: 1_000_001 });
    const again = await ground.anew().save(host, work, { task: 't' });
    expect(again.progress).toMatchObject({ files: 51, readBytes: 0, storedBytes: 0, knownBytes: 1_000_001 });
  });

  it('reads of a file that has grown its tail alone', async () => {
    await using ground = await openGround();
    const { work, snapshots } = ground;
    await writeFile(join(work, 'log'), pattern(5 * CHUNK_BYTES + 10, 1));
    await snapshots.save(host, work, { task: 't' });
    await appendFile(join(work, 'log'), 'one more line\n');
    const { progress } = await snapshots.save(host, work, { task: 't' });
    expect(progress.readBytes).toBe(24);
    await appendFile(join(work, 'log'), pattern(2 * CHUNK_BYTES, 2));
    const { progress: later } = await snapshots.save(host, work, { task: 't' });
    expect(later.readBytes).toBe(2 * CHUNK_BYTES + 24);
    const { entries } = await snapshots.show({ task: 't' });
    const { entries: anew } = await (async () => {
      await ground.anew().save(host, work, { task: 'whole' });
      return await ground.anew().show({ task: 'whole' });
    })();
    expect(entries).toEqual(anew);
  });

  it('reads a file of the same size and time whose content is another', async () => {
    await using ground = await openGround();
    const { work, snapshots } = ground;
    const file = join(work, 'file');
    const when = new Date(1_700_000_000_000);
    await writeFile(file, 'aaaa');
    await utimes(file, when, when);
    await snapshots.save(host, work, { task: 't' });
    await writeFile(file, 'bbbb');
    await utimes(file, when, when);
    const { snapshot } = await snapshots.save(host, work, { task: 't' });
    const { changed } = await snapshots.diff({ task: 't', number: snapshot.number - 1 }, { task: 't' });
    expect(changed).toEqual([{ path: 'file', what: ['content'] }]);
  });

  it('believes no time that lies in the future: of a clock that was wrong, everything looks long past', async () => {
    await using ground = await openGround();
    const { work, index, blobs } = ground;
    await writeFile(join(work, 'file'), 'x');
    await settled(ground);
    const { counting, readings } = countingHost();
    const times = { wrong: 0, right: Date.now() + 60_000 };
    for (const [clock, asked] of [
      ['wrong', 2],
      ['right', 1],
    ] as const) {
      const now = (): number => times[clock];
      const snapshots = createSnapshots({ index, blobs, encryption: 'plaintext', now });
      await snapshots.save(host, work, { task: clock });
      // Everything is older than this by more than a tick, as far as times can tell.
      await writeFile(join(work, '.newest'), clock);
      const before = readings();
      await snapshots.save(counting, work, { task: clock });
      expect(readings() - before, clock).toBe(asked);
    }
  });

  it.each([
    ['once, when a while has passed', 10_000, [1, 0, 0]],
    ['each time, when it is made again at once', 10, [1, 1, 1]],
  ])('asks for digests of what was written in one moment %s', async (_, apartMs, asked) => {
    await using ground = await openGround();
    const { work, index, blobs } = ground;
    await writeFile(join(work, 'file'), 'x');
    const { counting, readings } = countingHost();
    const began = Date.now() + 1_000;
    let saves = 0;
    const save = async (): Promise<number> => {
      const now = (): number => began + saves * apartMs;
      const before = readings();
      await createSnapshots({ index, blobs, encryption: 'plaintext', now }).save(counting, work, {
        task: 't',
      });
      saves += 1;
      return readings() - before;
    };
    await save();
    expect([await save(), await save(), await save()]).toEqual(asked);
  });

  it('does not believe that a restore lies as far back as its snapshot', async () => {
    await using ground = await openGround();
    const { work, index, blobs } = ground;
    await writeFile(join(work, 'file'), 'x');
    const { counting, readings } = countingHost();
    let now = Date.now() + 1_000;
    const snapshots = createSnapshots({ index, blobs, encryption: 'plaintext', now: () => now });
    await snapshots.save(host, work, { task: 't' });
    now += 60_000;
    await snapshots.restore(host, work, { task: 't' });
    const before = readings();
    for (let saves = 0; saves < 2; saves += 1) await snapshots.save(counting, work, { task: 't' });
    expect(readings() - before).toBe(2);
  });

  it('sends nothing of a file that was only touched, moved to another host or restored', async () => {
    await using ground = await openGround();
    const { work, snapshots } = ground;
    await writeFile(join(work, 'file'), pattern(100_000, 3));
    await snapshots.save(host, work, { task: 't' });
    const elsewhere: Host = { ...host, label: 'another' };
    const { progress } = await ground.anew().save(elsewhere, work, { task: 't' });
    expect(progress).toMatchObject({ readBytes: 0, storedBytes: 0, knownBytes: 100_000 });
    await chmod(join(work, 'file'), 0o600);
    const after = await ground.anew().save(elsewhere, work, { task: 't' });
    expect(after.progress.readBytes).toBe(0);
    expect((await snapshots.show({ task: 't' })).entries).toMatchObject([{ path: 'file', mode: 0o600 }]);
  });

  it('stores equal contents once, also of files in other places', async () => {
    await using ground = await openGround();
    const { work, snapshots } = ground;
    for (const name of ['a', 'b', 'c']) await writeFile(join(work, name), pattern(500_000, 9));
    await snapshots.save(host, work, { task: 't' });
    await mkdir(join(work, 'folder'));
    await rename(join(work, 'a'), join(work, 'folder/moved'));
    const { progress } = await snapshots.save(host, work, { task: 't' });
    expect(progress.storedBytes).toBe(0);
  });
});

it.each([-1, 0, 1])('takes a file of a chunk and %i bytes that compresses well', async (more) => {
  await using ground = await openGround();
  const { work, snapshots } = ground;
  await writeFile(join(work, 'file'), new Uint8Array(CHUNK_BYTES + more).fill(1));
  await snapshots.save(host, work, { task: 't' });
  expect(await snapshots.verify({ task: 't' })).toMatchObject({ damaged: [] });
});

describe('a folder that changes while it is saved', () => {
  it('has each file as it was at one moment', async () => {
    await using ground = await openGround();
    const { work, snapshots } = ground;
    await writeFile(join(work, 'file'), 'before');
    // The second listing is the look after the reading.
    const busy = hostThat(async (listing) => {
      if (listing === 2) await writeFile(join(work, 'file'), 'after it was read');
    });
    const { unstable } = await snapshots.save(busy, work, { task: 't' });
    expect(unstable).toEqual([]);
    await snapshots.restore(host, work, { task: 't' });
    expect((await snapshots.show({ task: 't' })).entries).toMatchObject([{ path: 'file', size: 17 }]);
  });

  it('has a mark at a file that never comes to rest', async () => {
    await using ground = await openGround();
    const { work, snapshots } = ground;
    await writeFile(join(work, 'quiet'), 'q');
    const busy = hostThat((listing) => appendFile(join(work, 'busy'), `${listing}\n`));
    const { unstable } = await snapshots.save(busy, work, { task: 't' });
    expect(unstable).toEqual(['busy']);
    const { unstable: later } = await snapshots.save(host, work, { task: 't' });
    expect(later).toEqual([]);
  });

  it('says what was gone when it was to be read, and has the rest', async () => {
    await using ground = await openGround();
    const { work, snapshots } = ground;
    await mkdir(join(work, 'folder'));
    for (const name of ['a', 'folder/b', 'c']) await writeFile(join(work, name), name);
    const vanishing: Host = {
      ...host,
      readFiles: (root, files, options) =>
        (async function* () {
          await rm(join(work, 'folder'), { recursive: true, force: true });
          if (host.readFiles !== undefined) yield* host.readFiles(root, files, options);
        })(),
    };
    const { leftOut, snapshot } = await snapshots.save(vanishing, work, { task: 't' });
    expect(leftOut).toEqual([{ path: 'folder/b', reason: 'gone' }]);
    expect(snapshot.entries).toBe(3);
    expect(await snapshots.verify({ task: 't' })).toMatchObject({ damaged: [] });
  });
});

describe('a file with several names', () => {
  /** A host on which something happens when files are first read. */
  function hostThatReads(happens: () => Promise<void>): Host {
    return {
      ...host,
      readFiles: (root, files, options) =>
        (async function* () {
          await happens();
          if (host.readFiles !== undefined) yield* host.readFiles(root, files, options);
        })(),
    };
  }

  it('is kept when the first of them goes while it is saved, as git lets it', async () => {
    await using ground = await openGround();
    const { work, snapshots } = ground;
    await writeFile(join(work, 'a.tmp'), 'object');
    await link(join(work, 'a.tmp'), join(work, 'object'));
    await link(join(work, 'a.tmp'), join(work, 'other'));
    const git = hostThatReads(() => rm(join(work, 'a.tmp'), { force: true }));
    const { leftOut } = await snapshots.save(git, work, { task: 't' });
    expect(leftOut).toEqual([{ path: 'a.tmp', reason: 'gone' }]);
    expect((await snapshots.show({ task: 't' })).entries).toMatchObject([
      { kind: 'file', path: 'object', size: 6 },
      { kind: 'hard-link', path: 'other', target: 'object' },
    ]);
  });

  it('keeps its content under the others when the first becomes another file', async () => {
    await using ground = await openGround();
    const { work, snapshots } = ground;
    await writeFile(join(work, 'a'), 'shared');
    await link(join(work, 'a'), join(work, 'b'));
    const editor = hostThatReads(async () => {
      await writeFile(join(work, 'new'), 'edited now');
      await rename(join(work, 'new'), join(work, 'a'));
    });
    await snapshots.save(editor, work, { task: 't' });
    await rm(work, { recursive: true });
    await snapshots.restore(host, work, { task: 't' });
    expect(await readFile(join(work, 'a'), 'utf8')).toBe('edited now');
    expect(await readFile(join(work, 'b'), 'utf8')).toBe('shared');
  });

  it('is said to be gone under all of them when it is', async () => {
    await using ground = await openGround();
    const { work, snapshots } = ground;
    await writeFile(join(work, 'a'), 'x');
    await link(join(work, 'a'), join(work, 'b'));
    const emptied = hostThatReads(async () => {
      for (const name of ['a', 'b']) await rm(join(work, name), { force: true });
    });
    const { leftOut } = await snapshots.save(emptied, work, { task: 't' });
    expect(leftOut).toEqual(['a', 'b'].map((path) => ({ path, reason: 'gone' })));
  });
});

describe('what is left out', () => {
  it('is said: excludes by name, and what no snapshot can hold', async () => {
    await using ground = await openGround();
    const { work, snapshots } = ground;
    await mkdir(join(work, 'node_modules/x'), { recursive: true });
    await mkdir(join(work, '.git'));
    await writeFile(join(work, 'node_modules/x/index.js'), 'x');
    await writeFile(join(work, '.git/HEAD'), 'ref');
    await writeFile(join(work, 'data.sqlite'), 'rows');
    const { leftOut } = await snapshots.save(host, work, { task: 't' });
    expect(leftOut).toEqual([{ path: 'node_modules', reason: 'excluded' }]);
    const { entries, exclude } = await snapshots.show({ task: 't' });
    expect(entries.map(({ path }) => path)).toEqual(['.git', '.git/HEAD', 'data.sqlite']);
    expect(exclude).toContain('node_modules');
  });

  it('cannot be what must be in every snapshot', async () => {
    await using ground = await openGround();
    const { work, snapshots } = ground;
    const required = ['home/.codex/sessions'];
    for (const glob of ['home', 'home/.codex/*', 'sessions', 'home/.codex/sessions', '.*']) {
      const saving = snapshots.save(host, work, { task: 't', exclude: ['node_modules', glob], required });
      await expect(saving, glob).rejects.toMatchObject({ code: 'invalid-config' });
    }
    expect(await snapshots.list('t')).toEqual([]);
  });

  it('is nothing that lies in what must be in every snapshot, whatever is named there', async () => {
    await using ground = await openGround();
    const { work, snapshots } = ground;
    const rollout = 'home/.codex/sessions/2026/11/rollout-1.jsonl';
    await mkdir(join(work, 'home/.codex/sessions/2026/11'), { recursive: true });
    for (const path of [rollout, 'home/.codex/log.jsonl', 'rollout-2.jsonl'])
      await writeFile(join(work, path), path);
    const exclude = [
      '*.jsonl',
      'rollout-*',
      '2026',
      'home/.codex/sessions/*',
      'home/.codex/sessions/2026/11',
    ];
    for (const glob of exclude) {
      const saving = { task: 't', exclude: [glob], required: ['home/.codex/sessions'] };
      const { leftOut } = await snapshots.save(host, work, saving);
      expect(
        leftOut.map(({ path }) => path).filter((path) => path.includes('sessions')),
        glob,
      ).toEqual([]);
      const saved = (await snapshots.show({ task: 't' })).entries.map(({ path }) => path);
      expect(saved, glob).toContain(rollout);
      await rm(join(work, rollout));
      await snapshots.restore(host, work, { task: 't' });
      expect(await readFile(join(work, rollout), 'utf8'), glob).toBe(rollout);
    }
    expect((await snapshots.list('t')).at(-1)?.number).toBe(5);
  });

  it('is what the agent says can be made again, once the folder is too large, and never what is required', async () => {
    await using ground = await openGround();
    const { work, snapshots } = ground;
    for (const folder of ['build', 'keep', 'sessions']) await mkdir(join(work, folder));
    for (const name of ['build/big', 'keep/file', 'sessions/thread'])
      await writeFile(join(work, name), pattern(10_000, name.length));
    await writeFile(join(work, 'regenerable.txt'), '# made by make\nbuild\nsessions\n**\n../..\n');
    const saving = { task: 't', required: ['sessions'], regenerableFile: 'regenerable.txt' };
    expect((await snapshots.save(host, work, saving)).leftOut).toEqual([]);
    const { leftOut } = await snapshots.save(host, work, { ...saving, maxBytes: 25_000 });
    expect(leftOut.map(({ path, reason }) => [path, reason])).toContainEqual(['build', 'regenerable']);
    const kept = (await snapshots.show({ task: 't' })).entries.map(({ path }) => path);
    expect(kept).toContain('sessions/thread');
    const tooLarge = snapshots.save(host, work, { ...saving, maxBytes: 9_999 });
    await expect(tooLarge).rejects.toMatchObject({ code: 'limit-exceeded' });
    expect(await snapshots.list('t')).toHaveLength(2);
  });

  it('is not read through a link that an agent put in the place of its list', async () => {
    await using ground = await openGround();
    const { work, snapshots } = ground;
    await writeFile(join(ground.path, 'outside'), '*\n');
    await symlink('../outside', join(work, 'regenerable.txt'));
    await writeFile(join(work, 'file'), pattern(1_000, 1));
    const saving = { task: 't', regenerableFile: 'regenerable.txt', maxBytes: 10 };
    await expect(snapshots.save(host, work, saving)).rejects.toMatchObject({ code: 'limit-exceeded' });
  });
});

it('says that a folder has more entries than were allowed', async () => {
  await using ground = await openGround();
  const { work, snapshots } = ground;
  for (const name of ['a', 'b', 'c']) await writeFile(join(work, name), name);
  const saving = snapshots.save(host, work, { task: 't', maxEntries: 2 });
  await expect(saving).rejects.toMatchObject({ name: 'SnapshotError', code: 'limit-exceeded' });
});

it('goes away without a trace when it is given up', async () => {
  await using ground = await openGround();
  const { work, snapshots, blobs } = ground;
  for (let at = 0; at < 20; at += 1) await writeFile(join(work, `file-${at}`), pattern(1_000_000, at));
  const stop = new AbortController();
  const saving = snapshots.save(host, work, {
    task: 't',
    signal: stop.signal,
    onProgress: ({ files }) => files >= 10 && stop.abort(),
  });
  await expect(saving).rejects.toMatchObject({ code: 'aborted' });
  expect(await snapshots.list('t')).toEqual([]);
  expect(await Array.fromAsync(blobs.list())).toEqual([]);
});

it('leaves the bytes of records to whoever gave them', async () => {
  await using ground = await openGround();
  const { work, snapshots } = ground;
  const log = pattern(70_000, 5);
  const own = Uint8Array.from(log);
  for (const round of [1, 2]) {
    await snapshots.save(host, work, { task: 't', records: { log: own }, labels: { round: `${round}` } });
    expect(own).toEqual(log);
  }
  const kept = await new Response(await snapshots.openRecord({ task: 't' }, 'log')).bytes();
  expect(kept).toEqual(log);
});

it.each(['', 'x'.repeat(1_001), '\ud800'])(
  'takes no name of a task that an index could not keep: %j',
  async (task) => {
    await using ground = await openGround();
    await expect(ground.snapshots.save(host, ground.work, { task })).rejects.toMatchObject({
      code: 'invalid-config',
    });
    expect(await ground.snapshots.list(task)).toEqual([]);
  },
);

it.each(['__proto__', 'a\0b', '🌱'.repeat(500), ' '])('takes any other: %j', async (task) => {
  await using ground = await openGround();
  await ground.snapshots.save(host, ground.work, { task });
  expect(await Array.fromAsync(ground.snapshots.tasks())).toEqual([task]);
  expect(await ground.anew().verify({ task })).toMatchObject({ damaged: [] });
});
