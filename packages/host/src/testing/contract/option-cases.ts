import { joinHostPath } from '../../host-path.ts';
import { readText } from '../../read-text.ts';
import { run } from '../../run.ts';
import { walk } from '../../walk.ts';
import { type CaseDefinition, rejectsWith } from './contract-case.ts';

const NO_COUNTS = [Number.NaN, -1, 0.5];
const NO_TIMES = [Number.NaN, -1];

/** Numbers that are none of what they are to be. */
export const optionCases: readonly CaseDefinition[] = [
  {
    name: 'refuses a part of a file that begins or ends nowhere',
    async check({ host, folder }) {
      const file = joinHostPath(folder, 'file');
      await host.writeFile(file, '0123456789');
      for (const count of NO_COUNTS) {
        await rejectsWith(host.readFile(file, { offset: count }), 'invalid-config');
        await rejectsWith(host.readFile(file, { length: count }), 'invalid-config');
        await rejectsWith(readText(host, file, { maxBytes: count }), 'invalid-config');
      }
      await rejectsWith(host.readFile(file, { offset: Number.POSITIVE_INFINITY }), 'invalid-config');
    },
  },
  {
    name: 'refuses bounds of a walk that are none',
    async check({ host, folder }) {
      for (const count of NO_COUNTS) {
        for (const option of ['maxDepth', 'maxEntries', 'maxBytes']) {
          await rejectsWith(Array.fromAsync(walk(host, folder, { [option]: count })), 'invalid-config');
        }
      }
    },
  },
  {
    name: 'refuses to connect to a port that nobody can have',
    async check({ host }) {
      for (const port of [...NO_COUNTS, 0, 65_536])
        await rejectsWith(host.connect({ port }), 'invalid-config');
    },
  },
  {
    name: 'refuses a terminal that has no size',
    async check({ host }) {
      for (const count of [...NO_COUNTS, 0]) {
        for (const pty of [
          { columns: count, rows: 24 },
          { columns: 80, rows: count },
        ]) {
          await rejectsWith(host.spawn({ argv: ['cat'] }, { pty }), 'invalid-config');
        }
      }
    },
  },
  {
    name: 'refuses times that are none to run a command and to end a process, which goes on',
    async check({ host }) {
      await using process = await host.spawn({ argv: ['cat'] });
      for (const time of NO_TIMES) {
        await rejectsWith(process.end({ graceMs: time }), 'invalid-config');
        for (const option of ['timeoutMs', 'graceMs', 'maxOutputBytes']) {
          await rejectsWith(run(host, { argv: ['cat'] }, { [option]: time }), 'invalid-config');
        }
      }
      const reading = process.stdout.getReader().read();
      const writer = process.stdin.getWriter();
      await writer.write(new TextEncoder().encode('on'));
      await reading;
      await process.end({ graceMs: Number.POSITIVE_INFINITY });
    },
  },
];
