import { execFileSync } from 'node:child_process';
import { lstatSync } from 'node:fs';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { gzipSync } from 'node:zlib';
import { hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { describeOnMongodb } from '@seedbed/mongodb-server';
import { type Db, GridFSBucket, ObjectId } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { seen, temporaryFolder } from '../../test/disk-tree.ts';
import { createOptioSnapshots } from './index.ts';

const host = createLocalHost();
const prefix = 'caller';

/** As optio-codex writes it: the blob first, then the row. */
async function store(
  db: Db,
  archive: Buffer,
  row: { processId: string; capturedAt: Date; sessionId: string | null },
) {
  const upload = new GridFSBucket(db).openUploadStream('workdir', { chunkSizeBytes: 261_120 });
  await pipeline(Readable.from([gzipSync(archive)]), upload);
  await db.collection(`${prefix}_codex_session_snapshots`).insertOne({
    ...{ _id: new ObjectId(), endState: 'done', workdirBlobId: upload.id },
    ...row,
  });
}

async function workdir(path: string): Promise<void> {
  await mkdir(join(path, 'home/.codex/sessions/2026'), { recursive: true });
  await mkdir(join(path, 'home/.local/bin'), { recursive: true });
  await mkdir(join(path, 'src'));
  await writeFile(join(path, 'src/a file'), 'content');
  await writeFile(join(path, 'home/.codex/sessions/2026/rollout.jsonl'), '{}\n');
  await writeFile(join(path, 'home/.codex/auth.json'), '{"tokens":{}}');
}

const tar = (cwd: string, ...args: readonly string[]): Buffer => execFileSync('tar', [...args], { cwd });

describeOnMongodb('what optio-codex has kept', (database) => {
  const snapshots = () => createOptioSnapshots(database().db, { prefix });

  describe.each([
    ['GNU tar with folders, from an SSH host', (path: string) => tar(path, '--format=gnu', '-cf', '-', '.')],
    [
      'pax with plain names and no folders, from its own machine',
      (path: string) =>
        tar(
          path,
          '--format=pax',
          '-cf',
          '-',
          'src/a file',
          'home/.codex/sessions/2026/rollout.jsonl',
          'home/.codex/auth.json',
          ...['home/.local/bin/codex'].filter((link) =>
            lstatSync(join(path, link), { throwIfNoEntry: false }),
          ),
        ),
    ],
  ])('as %s', (shape, pack) => {
    it('comes back', async () => {
      await using place = await temporaryFolder();
      const [work, again] = [join(place.path, 'work'), join(place.path, 'again')];
      await workdir(work);
      const [processId, sessionId] = [`task ${shape}`, '0199-thread'];
      await store(database().db, pack(work), { processId, sessionId, capturedAt: new Date(2_000) });
      await store(database().db, pack(work).subarray(0, 512), {
        processId,
        sessionId: null,
        capturedAt: new Date(1_000),
      });
      const listed = await snapshots().list(processId);
      expect(listed.map(({ threadId }) => threadId)).toEqual([undefined, '0199-thread']);
      await mkdir(again);
      await writeFile(join(again, 'before'), 'before');
      const restored = await snapshots().restore(host, hostPath(again), { processId });
      expect(restored).toMatchObject({ processId, threadId: '0199-thread', endState: 'done', leftOut: [] });
      const files = (tree: ReadonlyMap<string, string>): readonly string[] =>
        [...tree].filter(([, facts]) => facts.startsWith('file')).map(([path]) => path);
      expect(files(await seen(again))).toEqual(files(await seen(work)));
      expect(await readFile(join(again, 'src/a file'), 'utf8')).toBe('content');
      expect(await readdir(place.path)).toEqual(['again', 'work']);
    });

    it('is refused by name when a link leads out, or restored without it', async () => {
      await using place = await temporaryFolder();
      const [work, again] = [join(place.path, 'work'), join(place.path, 'again')];
      await workdir(work);
      await symlink('/opt/codex/bin/codex', join(work, 'home/.local/bin/codex'));
      const processId = `links ${shape}`;
      await store(database().db, pack(work), { processId, sessionId: 's', capturedAt: new Date() });
      await mkdir(again);
      await writeFile(join(again, 'before'), 'before');
      const refused = snapshots().restore(host, hostPath(again), { processId });
      await expect(refused).rejects.toMatchObject({
        code: 'refused-entry',
        message: expect.stringContaining('home/.local/bin/codex'),
      });
      expect(await readdir(again)).toEqual(['before']);
      const { leftOut } = await snapshots().restore(host, hostPath(again), {
        processId,
        outsideLinks: 'leave-out',
      });
      expect(leftOut).toEqual(['home/.local/bin/codex']);
      expect((await readdir(again)).sort()).toEqual(['home', 'src']);
    });
  });

  it.each([
    ['a blob that is no gzip', Buffer.from('plain')],
    ['an archive that is cut', undefined],
    ['an archive that climbs', 'climbs'],
  ])('is refused for %s, and the folder stays', async (what, content) => {
    await using place = await temporaryFolder();
    const work = join(place.path, 'work');
    await workdir(work);
    const before = await seen(work);
    const climbing = tar(work, '--transform=s,src,../src,', '-P', '-cf', '-', 'src');
    const archive = content === 'climbs' ? climbing : tar(work, '-cf', '-', '.').subarray(0, 1_700);
    const upload = new GridFSBucket(database().db).openUploadStream('workdir');
    await pipeline(Readable.from([Buffer.isBuffer(content) ? content : gzipSync(archive)]), upload);
    await database()
      .db.collection(`${prefix}_codex_session_snapshots`)
      .insertOne({
        ...{
          processId: what,
          capturedAt: new Date(),
          endState: 'done',
          workdirBlobId: upload.id,
          sessionId: null,
        },
      });
    const restoring = snapshots().restore(host, hostPath(work), { processId: what });
    await expect(restoring).rejects.toMatchObject({ code: 'refused-entry' });
    expect(await seen(work)).toEqual(before);
    expect(await readdir(place.path)).toEqual(['work']);
  });

  it('is not found where there is none', async () => {
    await using place = await temporaryFolder();
    const folder = hostPath(join(place.path, 'work'));
    const missing = { code: 'not-found' };
    await expect(snapshots().restore(host, folder, { processId: 'nobody' })).rejects.toMatchObject(missing);
    await expect(snapshots().restore(host, folder, { processId: 'nobody', id: 'x' })).rejects.toMatchObject(
      missing,
    );
  });
});
