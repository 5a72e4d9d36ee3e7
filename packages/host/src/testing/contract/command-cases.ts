import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { hostPath, joinHostPath } from '../../host-path.ts';
import { decodeHostPathBytes } from '../../host-path-bytes.ts';
import { run } from '../../run.ts';
import { type CaseDefinition, patternBytes, rejectsWith, repeat, textOf } from './contract-case.ts';

/** What a command is started with, and what of it comes back. */
export const commandCases: readonly CaseDefinition[] = [
  {
    name: 'passes every argument as it is, whatever it holds',
    async check({ host }) {
      const hostile = [
        '',
        ' ',
        '-n',
        '--',
        '$(touch x)',
        '`id`',
        '$HOME',
        "it's",
        '"quoted"',
        'two\nlines\n',
        '\r\t\u0001\u001b[31m',
        '\\',
        '*',
        '~',
        '!!',
        '#no',
        ';ls|cat&>x',
        'emoji 👩‍👩‍👧 e\u0301',
        '\u{10ffff}',
        'x'.repeat(20_000),
      ];
      const { stdout } = await run(host, { argv: ['printf', '%s\\0', ...hostile] }, { check: true });
      assert.deepEqual(stdout.split('\0').slice(0, -1), hostile);
    },
  },
  {
    name: 'passes arguments, folders and variables that are not UTF-8',
    needs: ['shell', 'rawNames'],
    async check({ host, folder }) {
      const odd = joinHostPath(folder, 'odd\udcff');
      await host.makeDirectory(odd);
      const hostile = ['\udcff\udc80', "it's \udcfe\n\n", '$(x)\udc80%s'];
      const printing = await host.spawn({
        argv: ['printf', '%s\\0', ...hostile],
        cwd: odd,
        env: { ODD: 'v\udcff' },
      });
      assert.deepEqual((await rawTextOf(printing.stdout)).split('\0').slice(0, -1), hostile);
      const asking = await host.spawn({
        argv: ['sh', '-c', 'pwd; printf %s "$ODD" "$1"', 'sh', '\udcfd'],
        cwd: odd,
        env: { ODD: 'v\udcff' },
      });
      assert.equal(await rawTextOf(asking.stdout), `${await host.canonicalize(odd)}\nv\udcff\udcfd`);
      await rejectsWith(host.spawn({ argv: ['no-such-program-7f3a', '\udcff'] }), 'command-not-found');
    },
  },
  {
    name: 'gives the child the safe environment and what the command adds or removes, nothing else',
    async check({ host }) {
      const canary = 'SEEDBED_CONTRACT_CANARY';
      process.env[canary] = 'must not be inherited';
      try {
        const env = { ADDED: 'a=b\n"c"', EMPTY: '', LANG: undefined, API_TOKEN: 'passed on purpose' };
        const { stdout } = await run(host, { argv: ['env', '-0'], env }, { check: true });
        const seen = new Map(
          stdout
            .split('\0')
            .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
        );
        assert.equal(seen.get('ADDED'), env.ADDED);
        assert.equal(seen.get('EMPTY'), '');
        assert.equal(seen.get('API_TOKEN'), env.API_TOKEN);
        assert.ok(!seen.has('LANG'));
        assert.ok(!seen.has(canary));
        const allowed = new Set([
          ...Object.keys(host.env),
          ...Object.keys(env),
          'SEEDBED_PROCESS',
          'PWD',
          '',
        ]);
        assert.deepEqual(
          [...seen.keys()].filter((name) => !allowed.has(name)),
          [],
        );
      } finally {
        delete process.env[canary];
      }
    },
  },
  {
    name: 'refuses a command that cannot be started before it starts anything',
    async check({ host }) {
      await rejectsWith(host.spawn({ argv: ['true', 'a\0b'] }), 'invalid-command');
      await rejectsWith(host.spawn({ argv: [''] }), 'invalid-command');
      await rejectsWith(host.spawn({ argv: ['./true'] }), 'invalid-command');
      await rejectsWith(host.spawn({ argv: ['true'], env: { 'A=B': 'x' } }), 'invalid-command');
      await rejectsWith(host.spawn({ argv: ['true'], env: { A: 'x\0' } }), 'invalid-command');
    },
  },
  {
    name: 'tells a missing program, a file that is none and a missing folder apart',
    async check({ host, folder }) {
      const plain = joinHostPath(folder, 'plain');
      await host.writeFile(plain, 'text', { mode: 0o644 });
      await rejectsWith(host.spawn({ argv: ['no-such-program-7f3a'] }), 'command-not-found');
      await rejectsWith(host.spawn({ argv: [joinHostPath(folder, 'missing')] }), 'command-not-found');
      await rejectsWith(host.spawn({ argv: [plain] }), 'command-not-executable');
      await rejectsWith(host.spawn({ argv: ['true'], cwd: joinHostPath(folder, 'missing') }), 'not-found');
      await rejectsWith(host.spawn({ argv: ['true'], cwd: plain }), 'not-a-directory');
    },
  },
  {
    name: 'says that a script names an interpreter that is not there',
    needs: ['shell'],
    async check({ host, folder }) {
      const script = joinHostPath(folder, 'script');
      await host.writeFile(script, '#!/no/such/interpreter\n', { mode: 0o755 });
      await rejectsWith(host.spawn({ argv: [script] }), 'command-not-executable');
    },
  },
  {
    name: "looks the program up on the PATH of the command's own environment",
    needs: ['shell'],
    async check({ host, folder }) {
      await host.writeFile(joinHostPath(folder, 'true'), '#!/bin/sh\necho mine\n', { mode: 0o755 });
      const { stdout } = await run(host, { argv: ['true'], env: { PATH: folder } }, { check: true });
      assert.equal(stdout, 'mine\n');
    },
  },
  {
    name: "runs in the given folder, else in the host's home",
    async check({ host, folder }) {
      const odd = joinHostPath(folder, "a b'\n$(x)");
      await host.makeDirectory(odd);
      const there = await run(host, { argv: ['pwd'], cwd: odd }, { check: true });
      assert.equal(there.stdout, `${await host.canonicalize(odd)}\n`);
      const home = await run(host, { argv: ['pwd'] }, { check: true });
      assert.equal(home.stdout, `${await host.canonicalize(host.home)}\n`);
    },
  },
  {
    name: 'reports exit codes exactly',
    needs: ['shell'],
    async check({ host }) {
      for (const code of [0, 1, 2, 126, 127, 128, 137, 255]) {
        const { exit } = await run(host, { argv: ['sh', '-c', `exit ${code}`] });
        assert.deepEqual(exit, { kind: 'exited', code });
      }
    },
  },
  {
    name: 'reports success and failure also when nobody reads the output',
    async check({ host }) {
      const failing = await host.spawn({ argv: ['false'] });
      assert.deepEqual(await failing.exit, { kind: 'exited', code: 1 });
      await failing[Symbol.asyncDispose]();
      const printing = await host.spawn({ argv: ['printf', '%s\\0', 'unread'] });
      assert.deepEqual(await printing.exit, { kind: 'exited', code: 0 });
      await printing[Symbol.asyncDispose]();
    },
  },
  {
    name: 'keeps output until it is read, long after the exit and after the disposal',
    async check({ host }) {
      const text = 'x'.repeat(30_000);
      const process = await host.spawn({ argv: ['printf', '%s\\0', text] });
      await process.exit;
      await process[Symbol.asyncDispose]();
      await delay(20);
      assert.equal(await textOf(process.stdout), `${text}\0`);
      assert.equal(await textOf(process.stderr), '');
      assert.deepEqual(await process.closed, { kind: 'exited', code: 0 });
    },
  },
  {
    name: 'keeps the two outputs apart',
    needs: ['shell'],
    async check({ host }) {
      const { stdout, stderr } = await run(host, { argv: ['sh', '-c', 'echo out; echo err >&2; echo out2'] });
      assert.deepEqual([stdout, stderr], ['out\nout2\n', 'err\n']);
    },
  },
  {
    name: 'carries 10 MB through standard input and output unchanged',
    async check({ host }) {
      await using process = await host.spawn({ argv: ['cat'] });
      const chunk = patternBytes(100_000);
      const sent = createHash('sha256');
      for (let count = 0; count < 100; count += 1) sent.update(chunk);
      const received = createHash('sha256');
      const writing = repeat(chunk, 100).stream.pipeTo(process.stdin);
      for await (const part of process.stdout) received.update(part);
      await writing;
      assert.equal(received.digest('hex'), sent.digest('hex'));
      assert.deepEqual(await process.closed, { kind: 'exited', code: 0 });
    },
  },
  {
    name: 'holds the writer back while nobody reads',
    async check({ host }) {
      await using process = await host.spawn({ argv: ['cat'] });
      const source = repeat(patternBytes(64 * 1024), 400);
      const writing = source.stream.pipeTo(process.stdin).catch(() => undefined);
      let before = -1;
      // Until the pipes are full, however long that takes here.
      while (source.taken() !== before) {
        before = source.taken();
        await delay(100);
      }
      assert.ok(source.taken() < 100, `took ${source.taken()} chunks of 64 KiB that nobody read`);
      let received = 0;
      for await (const part of process.stdout) received += part.byteLength;
      await writing;
      assert.equal(received, 400 * 64 * 1024);
    },
  },
  {
    name: 'rejects a write to a process that has ended, and lets its input be closed',
    async check({ host }) {
      await using process = await host.spawn({ argv: ['true'] });
      await process.exit;
      const writer = process.stdin.getWriter();
      await rejectsWith(writer.write(patternBytes(200_000)), 'io');
      await using other = await host.spawn({ argv: ['true'] });
      await other.exit;
      await other.stdin.close();
    },
  },
  {
    name: 'runs 40 commands at once',
    async check({ host }) {
      const results = await Promise.all(
        Array.from({ length: 40 }, (_, index) =>
          run(host, { argv: ['printf', '%s\\0', `n${index}`] }, { check: true }),
        ),
      );
      assert.deepEqual(
        results.map(({ stdout }) => stdout),
        Array.from({ length: 40 }, (_, index) => `n${index}\0`),
      );
    },
  },
  {
    name: 'tells the story of a failed command, without its environment',
    needs: ['shell'],
    async check({ host }) {
      const command = {
        argv: ['sh', '-c', 'echo it broke >&2; exit 7'] as const,
        env: { MY_TOKEN: 'c4n4ry' },
      };
      await assert.rejects(run(host, command, { check: true }), (failure: Error) => {
        assert.match(failure.message, /sh -c .*exited with code 7.*it broke/s);
        assert.doesNotMatch(failure.message, /c4n4ry/);
        return true;
      });
    },
  },
  {
    name: 'keeps the beginning of the output and the end of the error output when there is too much',
    needs: ['shell'],
    async check({ host }) {
      const script = 'echo first; yes | head -c 300000; (yes | head -c 300000; echo last) >&2';
      const result = await run(host, { argv: ['sh', '-c', script] }, { maxOutputBytes: 1_000 });
      assert.equal(result.truncated, true);
      assert.equal(result.stdout.length, 1_000);
      assert.ok(result.stdout.startsWith('first\n'));
      assert.ok(result.stderr.endsWith('last\n'));
      assert.deepEqual(result.exit, { kind: 'exited', code: 0 });
    },
  },
  {
    name: 'ends a command that takes too long, or whose caller lost interest',
    async check({ host }) {
      await rejectsWith(run(host, { argv: ['sleep', '1000'] }, { timeoutMs: 50 }), 'timeout');
      await rejectsWith(
        run(host, { argv: ['sleep', '1000'] }, { signal: AbortSignal.timeout(50) }),
        'aborted',
      );
      await rejectsWith(run(host, { argv: ['true'] }, { signal: AbortSignal.abort() }), 'aborted');
      await rejectsWith(
        host.spawn({ argv: ['true'], cwd: hostPath('/') }, { signal: AbortSignal.abort() }),
        'aborted',
      );
    },
  },
  {
    name: 'fails when what it was to feed the command fails',
    async check({ host }) {
      const input = new ReadableStream<Uint8Array>({
        pull() {
          throw new Error('the source broke');
        },
      });
      await assert.rejects(run(host, { argv: ['cat'] }, { input }), /the source broke/);
    },
  },
];

async function rawTextOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  return decodeHostPathBytes(new Uint8Array(await new Response(stream).arrayBuffer()));
}
