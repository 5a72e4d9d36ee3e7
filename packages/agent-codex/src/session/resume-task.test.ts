import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryBlobStore, type MemoryBlobStore } from '@seedbed/blob-store/testing';
import { createEventLog } from '@seedbed/conversation-protocol';
import { type HostPath, hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { createSnapshots, type Snapshots } from '@seedbed/snapshots';
import { createMemorySnapshotIndex } from '@seedbed/snapshots/testing';
import { describe, expect, it } from 'vitest';
import { journalHeader, journalPath } from './event-journal.ts';
import { bringBack, resumedConfig } from './resume-task.ts';
import { factsAsJson, type TaskFacts } from './task-facts.ts';
import { readTaskMark, writeTaskMark } from './task-mark.ts';

const host = createLocalHost();
const task = 't';
const configured = { agent: 'codex', cwd: '/work', controls: {}, resumed: false };
const facts: TaskFacts = {
  ...{ agent: 'codex', threadId: '01999999-0000-7000-8000-000000000000', codexVersion: '0.169.0' },
  ...{ model: 'm1', effort: 'low', sandbox: { mode: 'read-only' } },
};

interface Ground extends AsyncDisposable {
  readonly workdir: HostPath;
  readonly blobs: MemoryBlobStore;
  anew(): Snapshots;
}

/** A task that was saved with one content of its file, and has another now. */
async function openGround(saved: unknown = factsAsJson(facts)): Promise<Ground> {
  const path = await mkdtemp(join(tmpdir(), 'seedbed-resume-'));
  const workdir = hostPath(join(path, 'work'));
  await mkdir(workdir);
  await writeFile(join(workdir, 'file'), 'saved');
  const blobs = createMemoryBlobStore();
  const index = createMemorySnapshotIndex();
  const anew = (): Snapshots => createSnapshots({ index, blobs, encryption: 'plaintext' });
  await anew().save(host, workdir, { task, facts: JSON.parse(JSON.stringify(saved)) });
  await writeFile(join(workdir, 'file'), 'since');
  return { workdir, blobs, anew, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

const resume = async (ground: Ground) =>
  (await bringBack(host, ground.workdir, { task, snapshots: { store: ground.anew() }, signal: undefined }))
    .saved;
const content = (ground: Ground) => readFile(join(ground.workdir, 'file'), 'utf8');

describe('what a session goes on from', () => {
  it('is the snapshot, unless the workdir comes from it', async () => {
    await using ground = await openGround();
    expect(await resume(ground)).toMatchObject({ workdir: 'restored', facts });
    expect(await content(ground)).toBe('saved');
    await writeFile(join(ground.workdir, 'file'), 'done since');
    expect(await resume(ground)).toMatchObject({ workdir: 'kept' });
    expect(await content(ground)).toBe('done since');
  });

  it('is the snapshot where the workdir comes from an older one, or says what cannot be', async () => {
    await using ground = await openGround();
    await writeTaskMark(host, ground.workdir, { task, saveId: 'an older one' });
    expect(await resume(ground)).toMatchObject({ workdir: 'restored' });
    const mark = join(ground.workdir, 'home/.seedbed/task.json');
    for (const text of ['{', '[]', '{"task":1}', 'x'.repeat(100_000)]) {
      await writeFile(mark, text);
      expect(await readTaskMark(host, ground.workdir)).toBeUndefined();
    }
  });

  it('is an error, never a silent fresh start, when the snapshot is damaged', async () => {
    await using ground = await openGround();
    const [row] = await ground.anew().list(task);
    if (row === undefined) throw new Error('Nothing was saved.');
    const manifest = Uint8Array.from(ground.blobs.bytesOf(row.manifest));
    ground.blobs.replaceBytes(row.manifest, manifest.subarray(0, 40));
    await expect(resume(ground)).rejects.toMatchObject({ code: 'damaged' });
    expect(await content(ground)).toBe('since');
    ground.blobs.replaceBytes(row.manifest, manifest);
    for (const { blob } of row.packs) await ground.blobs.delete(blob);
    await expect(resume(ground)).rejects.toMatchObject({ code: 'damaged' });
    expect(await content(ground)).toBe('since');
  });

  it.each([
    ['nothing', null],
    ['another agent', { ...facts, agent: 'other' }],
    ['a thread that is none', { ...facts, threadId: '../x' }],
    ['a version that is none', { ...facts, codexVersion: 'latest' }],
  ])('is no snapshot that knows %s of its task; it is not restored', async (_, saved) => {
    await using ground = await openGround(saved);
    await expect(resume(ground)).rejects.toMatchObject({ code: 'invalid-snapshot' });
    expect(await content(ground)).toBe('since');
  });

  it('remembers the newest Codex that ran there, also after the snapshot', async () => {
    await using ground = await openGround();
    const saved = await resume(ground);
    const saveId = saved?.from.saveId ?? '';
    await writeTaskMark(host, ground.workdir, { task, saveId, codexVersion: '0.170.1' });
    expect(await resume(ground)).toMatchObject({ workdir: 'kept', facts: { codexVersion: '0.170.1' } });
    await writeTaskMark(host, ground.workdir, { task, saveId, codexVersion: '0.142.5' });
    expect(await resume(ground)).toMatchObject({ facts: { codexVersion: '0.169.0' } });
  });

  it('is also what happened since, which its journal tells, the thread included that had no turn yet', async () => {
    const { threadId, ...begun } = facts;
    await using ground = await openGround(begun);
    const [row] = await ground.anew().list(task);
    const log = createEventLog();
    log.append({ type: 'session-configured', ...configured, threadId: threadId ?? '' });
    log.append({ type: 'turn-started', turnId: 'turn-1', origin: 'client' });
    await mkdir(join(ground.workdir, 'home/.codex'), { recursive: true });
    const lines = log.since(1).map((event) => `${JSON.stringify(event)}\n`);
    await writeFile(journalPath(ground.workdir), journalHeader('j1', null) + lines.join(''));
    const saveId = row?.saveId ?? '';
    await writeTaskMark(host, ground.workdir, { task, saveId, journal: 'j1' });
    expect(await resume(ground)).toMatchObject({
      ...{ workdir: 'kept', facts: { threadId }, savedSeq: 0, journal: 'j1' },
      history: log.since(1),
    });
    // It is of another past where the mark does not name it, or the workdir is not kept.
    await writeTaskMark(host, ground.workdir, { task, saveId, journal: 'j2' });
    expect(await resume(ground)).toMatchObject({ workdir: 'kept', history: [], savedSeq: 0 });
    await writeTaskMark(host, ground.workdir, { task, saveId: 'older', journal: 'j1' });
    expect(await resume(ground)).toMatchObject({ workdir: 'restored', history: [], journal: undefined });
  });

  it('is never put over the workdir of another task', async () => {
    await using ground = await openGround();
    await writeTaskMark(host, ground.workdir, { task: 'another', saveId: 'x' });
    await expect(resume(ground)).rejects.toMatchObject({ code: 'invalid-config' });
    expect(await content(ground)).toBe('since');
  });

  it('is nothing when that is asked for', async () => {
    await using ground = await openGround();
    const snapshots = { store: ground.anew(), resume: 'never' } as const;
    const begun = await bringBack(host, ground.workdir, { task, snapshots, signal: undefined });
    expect(begun).toEqual({ follows: 1, saved: undefined });
    expect(await content(ground)).toBe('since');
  });
});

describe('the settings of a session that goes on', () => {
  const about = { facts, defaultVersion: '0.142.5', task };

  it('are those of the task before, where the caller has none', () => {
    const { config, differences } = resumedConfig({}, about);
    expect(config).toEqual({
      version: '0.169.0',
      model: 'm1',
      effort: 'low',
      sandbox: { mode: 'read-only' },
    });
    expect(differences).toEqual([]);
  });

  it('are the caller’s otherwise, and what differs is said', () => {
    const { config, differences } = resumedConfig({ model: 'm2', sandbox: {} }, about);
    expect(config).toMatchObject({ model: 'm2', effort: 'low', sandbox: {} });
    expect(differences.map(({ setting }) => setting)).toEqual(['model', 'sandbox']);
  });

  it('take two ways to say one policy for the same', () => {
    const same = { mode: 'read-only', networkAccess: false };
    expect(resumedConfig({ sandbox: same }, about).differences).toEqual([]);
  });

  it('have no older Codex, unless there is no thread yet', () => {
    const older = { version: '0.142.5' };
    expect(() => resumedConfig(older, about)).toThrow(expect.objectContaining({ code: 'downgrade-refused' }));
    const { threadId: _, ...begun } = facts;
    expect(resumedConfig(older, { ...about, facts: begun }).differences).toEqual([
      { setting: 'codexVersion', saved: '0.169.0', now: '0.142.5' },
    ]);
  });
});
