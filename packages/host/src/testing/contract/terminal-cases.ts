import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { processesWithEnvironment } from '../living-processes.ts';
import { type CaseDefinition, textOf } from './contract-case.ts';
import { markerOf, shown } from './process-marks.ts';

/** Processes with a terminal. */
export const terminalCases: readonly CaseDefinition[] = [
  {
    name: 'gives a terminal: its size, its output, its resize, its end of input',
    needs: ['shell', 'pty'],
    async check({ host }) {
      const process = await host.spawn(
        {
          argv: [
            'sh',
            '-c',
            'test -t 0 && test -t 1 && stty size; read line; echo "got $line"; read line; stty size; cat; exit 9',
          ],
        },
        { pty: { columns: 91, rows: 17, term: 'xterm' } },
      );
      assert.ok(process.resize);
      const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
      let shown = '';
      const until = async (text: string): Promise<void> => {
        while (!shown.includes(text)) {
          const { value, done } = await reader.read();
          assert.ok(
            !done,
            `the terminal closed before ${JSON.stringify(text)}; it showed ${JSON.stringify(shown)}`,
          );
          shown += value;
        }
      };
      await until('17 91');
      const writer = process.stdin.getWriter();
      await writer.write(new TextEncoder().encode('h\u00e9llo\r'));
      await until('got h\u00e9llo');
      await process.resize({ columns: 40, rows: 8 });
      await writer.write(new TextEncoder().encode('\r'));
      await until('8 40');
      await writer.close();
      assert.deepEqual(await process.exit, { kind: 'exited', code: 9 });
      await process.resize({ columns: 80, rows: 24 });
      await process[Symbol.asyncDispose]();
    },
  },
  {
    name: 'loses nothing of what a terminal showed when it is read late',
    needs: ['shell', 'pty'],
    async check({ host }) {
      const process = await host.spawn(
        { argv: ['sh', '-c', 'seq 1 200000'] },
        { pty: { columns: 80, rows: 24 } },
      );
      await delay(400);
      const lines = (await textOf(process.stdout)).trimEnd().split('\r\n');
      assert.equal(lines.length, 200_000);
      assert.equal(lines.at(-1), '200000');
      assert.deepEqual(await process.exit, { kind: 'exited', code: 0 });
      await process[Symbol.asyncDispose]();
    },
  },
  {
    name: 'ends a terminal and all that runs in it',
    needs: ['shell', 'pty', 'procfs'],
    async check({ host }) {
      const process = await host.spawn(
        { argv: ['sh', '-c', "trap '' HUP TERM; sleep 1000 & echo ready; while :; do sleep 0.05; done"] },
        { pty: { columns: 80, rows: 24 } },
      );
      await shown(process, 'ready');
      const marker = await markerOf(host, process.pid);
      assert.deepEqual(await process.end({ graceMs: 50 }), { kind: 'signaled', name: 'SIGKILL' });
      assert.deepEqual(await processesWithEnvironment(host, marker), []);
      await process[Symbol.asyncDispose]();
    },
  },
  {
    name: 'refuses a missing program in a terminal as it does without one',
    needs: ['pty'],
    async check({ host }) {
      await assert.rejects(
        host.spawn({ argv: ['no-such-program-7f3a'] }, { pty: { columns: 80, rows: 24 } }),
        { code: 'command-not-found' },
      );
    },
  },
];
