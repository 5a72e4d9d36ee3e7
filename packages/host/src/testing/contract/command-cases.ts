import assert from 'node:assert/strict';
import { joinHostPath } from '../../host-path.ts';
import { decodeHostPathBytes } from '../../host-path-bytes.ts';
import { run } from '../../run.ts';
import { type CaseDefinition, rejectsWith } from './contract-case.ts';

/** What a command is started with. */
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
    name: 'runs 40 commands at once',
    async check({ host }) {
      const cats = await Promise.all(Array.from({ length: 40 }, () => host.spawn({ argv: ['cat'] })));
      // Each answers after all have been started: none can have waited for the end of another.
      const answers = cats.map(async (cat, index) => {
        const writer = cat.stdin.getWriter();
        await writer.write(new TextEncoder().encode(`n${index}`));
        const { value } = await cat.stdout.getReader().read();
        return { answer: new TextDecoder().decode(value), close: () => writer.close() };
      });
      const running = await Promise.all(answers);
      assert.deepEqual(
        running.map(({ answer }) => answer),
        cats.map((_, index) => `n${index}`),
      );
      await Promise.all(running.map(({ close }) => close()));
      for (const cat of cats) assert.deepEqual(await cat.exit, { kind: 'exited', code: 0 });
    },
  },
];

async function rawTextOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  return decodeHostPathBytes(new Uint8Array(await new Response(stream).arrayBuffer()));
}
