import { execFile } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { hostPath } from '@seedbed/host';
import { describe, expect, it } from 'vitest';
import { openFaultyCodex } from '../test/faulty-codex.ts';
import { hostsUnderTest } from '../test/hosts-under-test.ts';
import { allEvents } from '../test/scripted-task.ts';
import type { AppServerFault, FaultMoment } from './testing/index.ts';

/**
 * Processes whose command line names this folder: what a conversation in it may have left behind. What the host itself has kept there
 * it removes some time later.
 */
async function processesOf(folder: string): Promise<readonly string[]> {
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'pid,args', '--no-headers']);
  const marked = `${folder}/`;
  return (
    stdout
      .split('\n')
      .filter((line) => line.includes(marked) || (line.includes('fake-app-server') && line.includes(folder)))
      .filter((line) => !/^ *\d+ rm -rf /.test(line))
      // What follows a durable process's output on a host notices its end a tenth of a second later.
      .filter((line) => !/^ *\d+ tail .*\/link-[\da-f-]{36}\/(out|err)$/.test(line))
  );
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'fulfilled';
  } catch (error) {
    return String((error as { code?: unknown }).code);
  }
}

const hosts = hostsUnderTest();

describe('a Codex that cannot be started', () => {
  it('is missing', async () => {
    await using codex = await openFaultyCodex([]);
    const opening = codex.open({ binary: { path: hostPath(join(codex.folder, 'nothing-here')) } });
    await expect(opening).rejects.toMatchObject({
      code: 'launch-failed',
      message: expect.stringContaining('nothing-here'),
    });
  });

  it('is no program', async () => {
    await using codex = await openFaultyCodex([]);
    const damaged = join(codex.folder, 'damaged');
    await writeFile(damaged, Buffer.from([0x7f, 0x45, 0x4c, 0x46, 1, 2, 3]));
    await chmod(damaged, 0o755);
    expect(await codeOf(codex.open({ binary: { path: hostPath(damaged) } }))).toBe('launch-failed');
  });

  it('may not be executed', async () => {
    await using codex = await openFaultyCodex([]);
    await chmod(join(codex.folder, 'codex'), 0o644);
    expect(await codeOf(codex.open())).toBe('launch-failed');
  });

  it('is another program', async () => {
    await using codex = await openFaultyCodex([]);
    const opening = codex.open({ binary: { path: hostPath('/bin/true') } });
    await expect(opening).rejects.toMatchObject({ code: 'launch-failed' });
  });

  it('is another version', async () => {
    await using codex = await openFaultyCodex([], { version: '0.150.0' });
    const opening = codex.open();
    await expect(opening).rejects.toMatchObject({
      code: 'wrong-version',
      message: expect.stringContaining('0.150.0'),
    });
    expect(await processesOf(codex.folder)).toEqual([]);
  });

  it('does not run under the policy that it was given', async () => {
    await using codex = await openFaultyCodex([], {
      answers: { 'thread/start': { approvalPolicy: 'never' } },
    });
    expect(await codeOf(codex.open())).toBe('policy-mismatch');
    expect(await processesOf(codex.folder)).toEqual([]);
  });

  const starts: readonly [string, AppServerFault, string][] = [
    ['is silent', { type: 'silence', at: 'initialize' }, 'not-ready'],
    ['is silent about the thread', { type: 'silence', at: 'thread' }, 'deadline-exceeded'],
    ['exits', { type: 'exit', at: 'start', code: 7 }, 'launch-failed'],
    ['exits later', { type: 'exit', at: 'thread', code: 7 }, 'agent-lost'],
    ['is killed', { type: 'kill', at: 'initialize', signal: 'SIGKILL' }, 'launch-failed'],
    ['ends in half a line', { type: 'half-line', at: 'initialize' }, 'launch-failed'],
    ['closes its output', { type: 'close-output', at: 'initialize' }, 'launch-failed'],
    [
      'refuses to open a thread',
      { type: 'refuse', method: 'thread/start', code: -32600, message: 'No threads today' },
      'agent-error',
    ],
  ];

  describe.each(hosts)('$where', ({ host, where }) => {
    it.each(starts)('%s', async (_, fault, localCode) => {
      // SSH has no word for the end of one output alone: to us it is silent.
      const code = fault.type === 'close-output' && where === 'through SSH' ? 'not-ready' : localCode;
      // Only what does not come is waited for in vain.
      const deadlines = {
        ...(code === 'not-ready' ? { startMs: 3_000 } : {}),
        ...(code === 'deadline-exceeded' ? { requestMs: 3_000 } : {}),
      };
      await using codex = await openFaultyCodex([fault], {}, await host());
      expect(await codeOf(codex.open({ deadlines }))).toBe(code);
      expect(await processesOf(codex.folder)).toEqual([]);
    });
  });

  it('says what Codex said before it ended', async () => {
    await using codex = await openFaultyCodex([
      { type: 'stderr-flood', at: 'start', bytes: 300_000 },
      { type: 'exit', at: 'start', code: 7 },
    ]);
    const error = await codex.open().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'launch-failed', message: expect.stringContaining('exit code 7') });
    // The end of what it said, not all of it.
    expect(String(error).length).toBeLessThan(20_000);
  });

  it('is given up by the caller', async () => {
    await using codex = await openFaultyCodex([{ type: 'silence', at: 'initialize' }]);
    const signal = AbortSignal.timeout(200);
    expect(await codeOf(codex.open({ signal }))).toBe('aborted');
    expect(await processesOf(codex.folder)).toEqual([]);
  });
});

describe.each(hosts)('a Codex that goes on in spite of an oddity $where', ({ host }) => {
  const oddities: readonly [string, AppServerFault][] = [
    ['prints garbage', { type: 'garbage', at: 'turn' }],
    ['prints a line of 100 MB', { type: 'long-line', at: 'turn', bytes: 100_000_000 }],
    ['splits every character', { type: 'split-bytes' }],
    ['answers everything twice', { type: 'duplicate-answers' }],
    ['answers what nobody asked', { type: 'stray-answer', at: 'turn' }],
    ['asks what nobody knows', { type: 'unknown-request', at: 'turn' }],
    ['asks twice with one id', { type: 'duplicate-request', at: 'turn' }],
    ['floods its errors', { type: 'stderr-flood', at: 'turn', bytes: 5_000_000 }],
  ];

  it.each(oddities)('%s', { timeout: 120_000 }, async (_, fault) => {
    await using codex = await openFaultyCodex([fault], {}, await host());
    await using conversation = await codex.open();
    const result = await conversation.run('Hi', { deadlineMs: 60_000 });
    expect(result.outcome).toEqual({ status: 'completed' });
    expect(result.finalMessage).toBeTruthy();
  });

  it('keeps characters whole', async () => {
    await using codex = await openFaultyCodex(
      [{ type: 'split-bytes' }],
      { says: 'Grüße 🌱 — ok' },
      await host(),
    );
    await using conversation = await codex.open();
    expect((await conversation.run('Hi')).finalMessage).toBe('Grüße 🌱 — ok');
  });
});

const deafAndDumb: readonly [string, readonly AppServerFault[]] = [
  'deaf and dumb',
  [{ type: 'close-output', at: 'turn' }],
];

describe.each(hosts)('a Codex that is lost in the middle of a turn $where', ({ host, where }) => {
  const losses: readonly (readonly [string, readonly AppServerFault[]])[] = [
    ['killed', [{ type: 'kill', at: 'turn', signal: 'SIGKILL' }]],
    ['crashed', [{ type: 'kill', at: 'turn', signal: 'SIGSEGV' }]],
    ['ended with code 0', [{ type: 'exit', at: 'turn', code: 0 }]],
    ['ended in half a line', [{ type: 'half-line', at: 'turn' }]],
    // SSH has no word for the end of one output alone: to us it is silent, and that is what deadlines are for.
    ...(where === 'through SSH' ? [] : [deafAndDumb]),
    [
      'ended, its output held by a child',
      [
        { type: 'leave-child', at: 'turn' },
        { type: 'exit', at: 'turn', code: 3 },
      ],
    ],
  ];

  it.each(losses)('%s: the turn fails, everything settles, nothing is left', async (_, faults) => {
    await using codex = await openFaultyCodex(faults, {}, await host());
    await using conversation = await codex.open();
    const result = await conversation.run('Hi');
    expect(result.outcome).toMatchObject({ status: 'failed', failure: { code: 'agent-lost' } });
    const events = await allEvents(conversation);
    expect(events.at(-1)?.msg).toMatchObject({ type: 'closed', reason: 'lost' });
    expect(await codeOf(conversation.models())).toBe('agent-lost');
    expect(await codeOf(conversation.run('Again'))).toBe('agent-lost');
    await conversation.end();
    expect(await processesOf(codex.folder)).toEqual([]);
  });

  it('settles whoever follows a goal', async () => {
    await using codex = await openFaultyCodex(
      [{ type: 'kill', at: 'turn', signal: 'SIGKILL' }],
      {},
      await host(),
    );
    await using conversation = await codex.open();
    const events = conversation.events({ fromSeq: 10_000 });
    const waiting = events.next();
    await conversation.run('Hi');
    expect(await waiting).toEqual({ value: undefined, done: true });
  });
});

describe.each(hosts)('a Codex that does not come to an end $where', ({ host }) => {
  it('is interrupted at the deadline of the turn, and ended when it does not heed that', async () => {
    await using codex = await openFaultyCodex([{ type: 'endless-turn' }], {}, await host());
    await using conversation = await codex.open();
    const result = await conversation.run('Hi', { deadlineMs: 300 });
    expect(result.outcome).toMatchObject({ status: 'failed' });
    expect(await processesOf(codex.folder)).toEqual([]);
  });

  it('is ended when a caller gives the turn up and it does not heed that', async () => {
    await using codex = await openFaultyCodex([{ type: 'endless-turn' }], {}, await host());
    await using conversation = await codex.open();
    const result = await conversation.run('Hi', { signal: AbortSignal.timeout(300) });
    expect(['failed', 'interrupted']).toContain(result.outcome.status);
    expect(await processesOf(codex.folder)).toEqual([]);
  });

  it('is ended at the deadline of the turn when it has closed its output and lives on', async () => {
    await using codex = await openFaultyCodex([{ type: 'close-output', at: 'turn' }], {}, await host());
    await using conversation = await codex.open();
    const result = await conversation.run('Hi', { deadlineMs: 1_000 });
    expect(result.outcome).toMatchObject({ status: 'failed' });
    expect(await processesOf(codex.folder)).toEqual([]);
  });

  const deaf: readonly [string, readonly AppServerFault[]][] = [
    ['end of input', [{ type: 'ignore-end-of-input' }]],
    ['end of input and SIGTERM', [{ type: 'ignore-end-of-input' }, { type: 'ignore-sigterm' }]],
  ];

  it.each(deaf)('is ended although it ignores %s', async (_, faults) => {
    await using codex = await openFaultyCodex(faults, {}, await host());
    const conversation = await codex.open();
    const exit = await conversation.end();
    expect(exit.kind).not.toBe('lost');
    expect(await processesOf(codex.folder)).toEqual([]);
  });

  const silentLater: readonly FaultMoment[] = ['after-turn', 'turn'];

  it.each(silentLater)('and is silent %s: every request ends at its deadline', async (at) => {
    await using codex = await openFaultyCodex([{ type: 'silence', at }], {}, await host());
    await using conversation = await codex.open({ deadlines: { requestMs: 5_000 } });
    await conversation.run('Hi', { deadlineMs: 300 });
    expect(['deadline-exceeded', 'agent-lost']).toContain(await codeOf(conversation.models()));
  });
});
