import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { type FakeAppServerOptions, fakeAppServerCommand } from './fake-app-server-command.ts';

/** The fake with its pipes, killed at the end whatever it ignores. */
function start(options: FakeAppServerOptions = {}) {
  const [program, ...args] = fakeAppServerCommand(options).argv;
  const child = spawn(program, args, { detached: true, env: {} });
  const ended = once(child, 'exit').then(([code, signal]) => ({ code, signal }));
  child.stdin.on('error', () => {});
  const send = (...messages: readonly unknown[]): void => {
    for (const message of messages) child.stdin.write(`${JSON.stringify(message)}\n`);
  };
  return {
    child,
    ended,
    send,
    /** Says hello, starts a thread and a turn. */
    converse(): void {
      send(
        { id: 0, method: 'initialize', params: {} },
        { method: 'initialized' },
        { id: 1, method: 'thread/start', params: { sandbox: 'read-only', approvalPolicy: 'never' } },
        { id: 2, method: 'turn/start', params: { input: [] } },
      );
    },
    /** Reads until this text has come. */
    async until(part: string): Promise<string> {
      const chunks: Buffer[] = [];
      let end = '';
      for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
        chunks.push(chunk);
        end = (end + chunk.toString('latin1')).slice(-2 * 65_536);
        if (end.includes(part)) break;
      }
      return Buffer.concat(chunks).toString();
    },
    async [Symbol.asyncDispose]() {
      if (child.pid !== undefined) {
        try {
          process.kill(-child.pid, 'SIGKILL');
        } catch {
          // Nobody is left.
        }
      }
      await ended;
    },
  };
}

/** The whole lines of an output, read as JSON. */
function messages(output: string) {
  const whole = output.slice(0, output.lastIndexOf('\n') + 1).trim();
  return whole.split('\n').map((line) => JSON.parse(line));
}

describe('a fake app-server', () => {
  test('converses', async () => {
    await using fake = start({ says: 'Hello' });
    fake.converse();
    const said = messages(await fake.until('turn/completed'));
    expect(said[0]).toMatchObject({ id: 0, result: { userAgent: expect.stringContaining('/0.169.0') } });
    expect(said[1]).toMatchObject({
      id: 1,
      result: { sandbox: { type: 'readOnly' }, approvalPolicy: 'never' },
    });
    expect(said.flatMap(({ method }) => method ?? [])).toEqual([
      'thread/started',
      'turn/started',
      'item/started',
      'item/agentMessage/delta',
      'item/completed',
      'turn/completed',
    ]);
    fake.child.stdin.end();
    expect(await fake.ended).toEqual({ code: 0, signal: null });
  });

  test('tells its version', async () => {
    const [program, ...args] = fakeAppServerCommand({ version: '1.2.3' }).argv;
    const child = spawn(program, [...args, '--version']);
    expect(await text(child.stdout)).toBe('codex-cli 1.2.3\n');
  });

  test('answers as it is told', async () => {
    await using fake = start({ answers: { 'thread/start': { approvalPolicy: 'untrusted' } } });
    fake.converse();
    expect(await fake.until('turn/completed')).toContain('"approvalPolicy":"untrusted"');
  });

  test('says nothing from the moment on, and still ends', async () => {
    await using fake = start({ faults: [{ type: 'silence', at: 'thread' }] });
    fake.converse();
    const output = text(fake.child.stdout);
    fake.child.stdin.end();
    expect(messages(await output)).toMatchObject([{ id: 0 }]);
    expect((await fake.ended).code).toBe(0);
  });

  test('writes garbage, and goes on', async () => {
    await using fake = start({ faults: [{ type: 'garbage', at: 'turn' }] });
    fake.converse();
    const output = await fake.until('turn/completed');
    expect(output).toContain('panicked');
    expect(output).toContain('\ufffd');
  });

  test('writes a line of 100 MB', { timeout: 120_000 }, async () => {
    const bytes = 100_000_000;
    await using fake = start({ faults: [{ type: 'long-line', at: 'initialize', bytes }] });
    fake.send({ id: 0, method: 'initialize' });
    const lines = (await fake.until('userAgent')).split('\n');
    expect(lines[0]?.length).toBe(bytes - 1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ method: 'warning' });
  });

  test.each([
    ['half a line', { type: 'half-line', at: 'turn' }, { code: 0, signal: null }],
    ['a code', { type: 'exit', at: 'turn', code: 101 }, { code: 101, signal: null }],
    ['a signal', { type: 'kill', at: 'turn', signal: 'SIGKILL' }, { code: null, signal: 'SIGKILL' }],
    ['a crash', { type: 'kill', at: 'start', signal: 'SIGSEGV' }, { code: null, signal: 'SIGSEGV' }],
  ] as const)('ends with %s', async (_name, fault, ending) => {
    await using fake = start({ faults: [fault] });
    fake.converse();
    const output = text(fake.child.stdout);
    expect(await fake.ended).toEqual(ending);
    expect(await output).not.toContain('turn/completed');
  });

  test('gives the client answers to talk about', async () => {
    await using fake = start({ faults: [{ type: 'unknown-request', at: 'turn' }] });
    fake.converse();
    await fake.until('item/telepathy/request');
    fake.send({ id: 0, error: { code: -32601, message: 'no telepathy' } });
    expect(await fake.until('turn/completed')).toContain('no telepathy');
  });

  test('uses one id for two requests, and answers twice', async () => {
    await using fake = start({
      faults: [{ type: 'duplicate-request', at: 'turn' }, { type: 'duplicate-answers' }],
    });
    fake.converse();
    const output = await fake.until('item/telepathy/request');
    fake.send({ id: 1, result: {} });
    const said = messages(output + (await fake.until('turn/completed')));
    expect(said.filter(({ id }) => id === 0)).toHaveLength(2);
    expect(said.filter(({ method }) => method === 'item/telepathy/request')).toHaveLength(2);
  });

  test('refuses and ignores requests', async () => {
    await using fake = start({
      faults: [
        { type: 'refuse', method: 'thread/start', code: -32001, message: 'busy' },
        { type: 'ignore-request', method: 'turn/start' },
        { type: 'stray-answer', at: 'initialize' },
      ],
    });
    fake.converse();
    fake.send({ id: 3, method: 'model/list' });
    expect(messages(await fake.until('"id":3'))).toEqual([
      { id: 987_654, result: {} },
      { id: 0, result: expect.anything() },
      { id: 1, error: { code: -32001, message: 'busy' } },
      { id: 3, result: { data: [], nextCursor: null } },
    ]);
  });

  test('splits every character', async () => {
    await using fake = start({ faults: [{ type: 'split-bytes' }] });
    const sizes = new Set<number>();
    fake.child.stdout.on('data', (chunk: Buffer) => sizes.add(chunk.length));
    fake.converse();
    const output = await fake.until('turn/completed');
    expect(output).toContain('Grüße 🌱');
    expect(Math.min(...sizes)).toBe(1);
  });

  test('floods stderr, closes stdout, leaves a child behind', async () => {
    await using fake = start({
      faults: [
        { type: 'stderr-flood', at: 'initialize', bytes: 5_000_000 },
        { type: 'leave-child', at: 'initialize' },
        { type: 'exit', at: 'initialize', code: 3 },
      ],
    });
    let flood = 0;
    fake.child.stderr.on('data', (chunk: Buffer) => {
      flood += chunk.length;
    });
    fake.send({ id: 0, method: 'initialize' });
    expect(await fake.ended).toEqual({ code: 3, signal: null });
    expect(flood).toBeGreaterThan(4_000_000);
    expect(fake.child.stdout.closed).toBe(false);
  });

  test('closes stdout and lives on', async () => {
    await using fake = start({ faults: [{ type: 'close-output', at: 'turn' }] });
    fake.converse();
    expect(await text(fake.child.stdout)).toContain('turn/started');
    expect(fake.child.exitCode).toBe(null);
    fake.child.stdin.end();
    expect(await fake.ended).toEqual({ code: 0, signal: null });
  });

  test('holds on to its life and its turn', async () => {
    await using fake = start({
      faults: [{ type: 'ignore-sigterm' }, { type: 'ignore-end-of-input' }, { type: 'endless-turn' }],
    });
    fake.converse();
    await fake.until('item/agentMessage/delta');
    fake.child.kill('SIGTERM');
    fake.send({ id: 3, method: 'turn/interrupt' }, { id: 4, method: 'model/list' });
    expect(await fake.until('"id":4')).not.toContain('turn/completed');
    fake.child.stdin.end();
    const stillThere = Symbol();
    expect(
      await Promise.race([fake.ended, new Promise((resolve) => setTimeout(resolve, 200, stillThere))]),
    ).toBe(stillThere);
  });
});
