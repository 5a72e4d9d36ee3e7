import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { hostPath, joinHostPath } from '../../host-path.ts';
import { run } from '../../run.ts';
import { type CaseDefinition, patternBytes, rejectsWith, repeat, textOf } from './contract-case.ts';

/** What comes back from a command: its exit, its output, the story of its failure. */
export const outputCases: readonly CaseDefinition[] = [
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
    name: 'leaves a command that is ended the time to tidy up that the caller gives it',
    needs: ['shell'],
    async check({ host, folder }) {
      const sign = joinHostPath(folder, 'tidied');
      const begun = joinHostPath(folder, 'begun');
      const script = 'trap \'sleep 2; : > "$1"; exit\' TERM; : > "$2"; while :; do sleep 0.05; done';
      const abort = new AbortController();
      const running = run(
        host,
        { argv: ['sh', '-c', script, 'sh', sign, begun] },
        { signal: abort.signal, graceMs: 60_000 },
      );
      const refused = rejectsWith(running, 'aborted');
      while ((await host.stat(begun)) === undefined) await delay(20);
      abort.abort();
      await refused;
      assert.equal((await host.stat(sign))?.kind, 'file');
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
  {
    name: 'gives the output of a grandchild that outlives its parent',
    needs: ['shell'],
    async check({ host, folder }) {
      const sign = joinHostPath(folder, 'sign');
      const script = '(until [ -e "$1" ]; do sleep 0.05; done; echo late) & echo early; exit 5';
      const process = await host.spawn({ argv: ['sh', '-c', script, 'sh', sign] });
      let closed = false;
      void process.closed.then(() => {
        closed = true;
      });
      assert.deepEqual(await process.exit, { kind: 'exited', code: 5 });
      assert.equal(closed, false);
      await host.writeFile(sign, '');
      assert.equal(await textOf(process.stdout), 'early\nlate\n');
      assert.equal(await textOf(process.stderr), '');
      assert.deepEqual(await process.closed, { kind: 'exited', code: 5 });
      await process[Symbol.asyncDispose]();
    },
  },
];
