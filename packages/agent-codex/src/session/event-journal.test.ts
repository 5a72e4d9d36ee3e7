import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEventLog, type EventLog } from '@seedbed/conversation-protocol';
import { type Host, HostError, type HostPath, hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { describe, expect, it } from 'vitest';
import { type EventJournal, journalHeader, journalPath, keepJournal } from './event-journal.ts';
import { readJournal } from './read-journal.ts';

const host = createLocalHost();
const id = 'j1';

interface Ground extends AsyncDisposable {
  readonly workdir: HostPath;
  readonly file: string;
  readonly log: EventLog;
  readonly keep: (savedSeq?: number, on?: Host, endMs?: number) => EventJournal;
  say(...messages: readonly string[]): void;
  /** The events that are written down behind a snapshot's last one. */
  noted(savedSeq?: number): Promise<readonly unknown[]>;
}

async function openGround(): Promise<Ground> {
  const path = await mkdtemp(join(tmpdir(), 'seedbed-journal-'));
  const workdir = hostPath(join(path, 'work'));
  await mkdir(join(workdir, 'home/.codex'), { recursive: true });
  const log = createEventLog();
  return {
    workdir,
    file: journalPath(workdir),
    log,
    keep: (savedSeq = 0, on = host, endMs = 20_000) =>
      keepJournal(on, workdir, {
        ...{ id, savedSeq, endMs, facts: null },
        lastSeq: () => log.lastSeq,
        events: (options) => log.read(options),
      }),
    say(...messages) {
      for (const message of messages) log.append({ type: 'warning', message });
    },
    noted: async (savedSeq = 0) => (await readJournal(host, workdir, { id, savedSeq })).events,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

describe('a journal', () => {
  it('holds what has happened and what happens, as far as no snapshot has it', async () => {
    await using ground = await openGround();
    ground.say('saved', 'not saved');
    await using journal = ground.keep(1);
    await expect.poll(() => ground.noted(1), { timeout: 20_000 }).toHaveLength(1);
    ground.say('later\nGrüße 🌱', 'last');
    // Whoever is killed now leaves it all: nobody has closed anything.
    await expect.poll(() => ground.noted(1), { timeout: 20_000 }).toEqual(ground.log.since(2));
    expect((await stat(ground.file)).mode & 0o777).toBe(0o600);
    ground.log.close();
    await journal[Symbol.asyncDispose]();
    expect(await ground.noted(3)).toEqual(ground.log.since(4));
  });

  it('is whole at its end, also of much that came at once', async () => {
    await using ground = await openGround();
    const journal = ground.keep();
    for (let at = 0; at < 30_000; at += 1) ground.say(`${at} ${'x'.repeat(100)}`);
    ground.log.close();
    await journal[Symbol.asyncDispose]();
    expect(await ground.noted()).toHaveLength(30_000);
  });

  it('is begun anew when a snapshot holds much of it', async () => {
    await using ground = await openGround();
    await using journal = ground.keep();
    for (let at = 0; at < 20; at += 1) ground.say('x'.repeat(1_000_000));
    const size = async (): Promise<number> => (await stat(ground.file)).size;
    await expect.poll(size, { timeout: 20_000 }).toBeGreaterThan(20_000_000);
    journal.saved(19);
    await expect.poll(size, { timeout: 20_000 }).toBeLessThan(2_000_000);
    ground.say('later');
    await expect.poll(() => ground.noted(19), { timeout: 20_000 }).toEqual(ground.log.since(20));
    ground.log.close();
  });

  it('stays as it was when it is stopped while it is begun anew', async () => {
    await using ground = await openGround();
    const begun = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const writes: Promise<unknown>[] = [];
    const slow: Host = {
      ...host,
      async writeFile(path, body, options) {
        const isAnew = writes.length > 0 && body instanceof ReadableStream;
        const held = new TransformStream<Uint8Array, Uint8Array>({
          async transform(chunk, controller) {
            begun.resolve();
            await gate.promise;
            controller.enqueue(chunk);
          },
        });
        const writing = host.writeFile(path, isAnew ? body.pipeThrough(held) : body, options);
        writes.push(writing.catch(() => undefined));
        await writing;
      },
    };
    const journal = ground.keep(0, slow, 50);
    for (let at = 0; at < 10; at += 1) ground.say('x'.repeat(1_000_000));
    await expect.poll(() => ground.noted(), { timeout: 20_000 }).toHaveLength(10);
    journal.saved(1);
    await begun.promise;
    await journal[Symbol.asyncDispose]();
    gate.resolve();
    await Promise.all(writes);
    expect(await ground.noted(1)).toEqual(ground.log.since(2));
  });

  it('is written anew when the host has failed', async () => {
    await using ground = await openGround();
    let isAway = true;
    const writers: { end(): Promise<unknown> }[] = [];
    const failing: Host = {
      ...host,
      async writeFile(...args) {
        if (isAway) throw new HostError('host-lost', 'The link is broken.');
        await host.writeFile(...args);
      },
      async spawn(...args) {
        const process = await host.spawn(...args);
        writers.push({ end: () => process.end({ from: 'kill' }) });
        return process;
      },
    };
    await using _journal = ground.keep(0, failing);
    ground.say('meanwhile');
    isAway = false;
    await expect.poll(() => ground.noted(), { timeout: 20_000 }).toHaveLength(1);
    await expect.poll(() => writers, { timeout: 20_000 }).toHaveLength(1);
    await writers[0]?.end();
    ground.say('again');
    await expect.poll(() => ground.noted(), { timeout: 20_000 }).toHaveLength(2);
    ground.log.close();
  });

  it('waits for no host that does not come back', async () => {
    await using ground = await openGround();
    const gone: Host = {
      ...host,
      writeFile: async () => {
        throw new HostError('host-lost', 'The host is gone.');
      },
    };
    const journal = ground.keep(0, gone, 50);
    ground.log.close();
    await journal[Symbol.asyncDispose]();
    expect(await ground.noted()).toEqual([]);
  });
});

describe('what is read of a journal', () => {
  const lines = (...events: readonly unknown[]): string =>
    events.map((event) => `${typeof event === 'string' ? event : JSON.stringify(event)}\n`).join('');
  const event = (seq: number) => ({ seq, at: 1, msg: { type: 'warning', message: 'm' } });

  it.each<readonly [string, string, readonly number[]]>([
    ['whole', journalHeader(id, null) + lines(event(3), event(4)), [3, 4]],
    ['cut off in a line', `${journalHeader(id, null)}${lines(event(3))}{"seq":4`, [3]],
    [
      'written twice in parts',
      journalHeader(id, null) + lines(event(2), event(3), event(3), event(4)),
      [3, 4],
    ],
    ['with a gap', journalHeader(id, null) + lines(event(4), event(5)), []],
    ['with what is no event', journalHeader(id, null) + lines(event(3), 'x', '[]', event(5)), [3]],
    ['of another past', journalHeader('j0', null) + lines(event(3)), []],
    ['empty', '', []],
  ])('is what goes on without a gap: %s', async (_, text, seqs) => {
    await using ground = await openGround();
    await writeFile(ground.file, text);
    const { events } = await readJournal(host, ground.workdir, { id, savedSeq: 2 });
    expect(events.map(({ seq }) => seq)).toEqual(seqs);
  });

  it('is nothing where there is none, where a folder is, or a link that leads out', async () => {
    await using ground = await openGround();
    expect(await ground.noted()).toEqual([]);
    const outside = join(ground.workdir, '../outside');
    await writeFile(outside, journalHeader(id, null) + lines(event(1)));
    await symlink(outside, ground.file);
    expect(await ground.noted()).toEqual([]);
    await rm(ground.file);
    await mkdir(ground.file);
    expect(await ground.noted()).toEqual([]);
  });
});

it('is not read in part where the host fails in the middle', async () => {
  await using ground = await openGround();
  ground.say('first', 'second');
  await using _journal = ground.keep();
  await expect.poll(() => ground.noted(), { timeout: 20_000 }).toHaveLength(2);
  const bytes = await readFile(ground.file);
  const failing: Host = {
    ...host,
    readFile: async () =>
      ReadableStream.from(
        (async function* () {
          yield bytes.subarray(0, bytes.lastIndexOf('{'));
          throw new HostError('timeout', 'It takes too long.');
        })(),
      ),
  };
  await expect(readJournal(failing, ground.workdir, { id, savedSeq: 0 })).rejects.toMatchObject({
    code: 'timeout',
  });
  ground.log.close();
});

it('takes a link that lies in its place away, and writes to nothing behind it', async () => {
  await using ground = await openGround();
  const outside = join(ground.workdir, '../outside');
  await appendFile(outside, 'theirs');
  await symlink(outside, ground.file);
  await using _journal = ground.keep();
  ground.say('mine');
  await expect.poll(() => ground.noted(), { timeout: 20_000 }).toHaveLength(1);
  expect(await readFile(outside, 'utf8')).toBe('theirs');
  ground.log.close();
});

it('is left by a program that is killed in the middle of a sentence', async () => {
  await using ground = await openGround();
  const program = join(import.meta.dirname, '../../test/journal-child.ts');
  const child = spawn(process.execPath, ['--conditions', 'development', program, ground.workdir, id], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let last = 0;
  child.stdout.on('data', (said) => {
    last = Number(String(said).trim().split('\n').at(-1));
  });
  await expect.poll(() => last, { timeout: 30_000 }).toBeGreaterThan(100);
  child.kill('SIGKILL');
  await once(child, 'close');
  // What it has said that it had seen has been written by then, and is on its way through a pipe.
  await expect
    .poll(async () => (await ground.noted()).length, { timeout: 20_000 })
    .toBeGreaterThanOrEqual(last);
});
