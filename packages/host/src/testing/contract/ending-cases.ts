import assert from 'node:assert/strict';
import type { CaseDefinition } from './contract-case.ts';

/** In which the end of its input reaches any process, also through a queue on a busy host. */
const LONG_MS = 60_000;

/** How processes end. */
export const endingCases: readonly CaseDefinition[] = [
  {
    name: 'ends a process by the end of its input, when that is enough',
    async check({ host }) {
      const process = await host.spawn({ argv: ['cat'] });
      assert.deepEqual(await process.end({ graceMs: LONG_MS }), { kind: 'exited', code: 0 });
      assert.deepEqual(await process.exit, { kind: 'exited', code: 0 });
      await process[Symbol.asyncDispose]();
    },
  },
  {
    name: 'ends a process by SIGTERM when it does not mind its input, and says so',
    async check({ host }) {
      const process = await host.spawn({ argv: ['sleep', '1000'] });
      assert.deepEqual(await process.end({ graceMs: 1_000 }), { kind: 'signaled', name: 'SIGTERM' });
      await process[Symbol.asyncDispose]();
    },
  },
  {
    name: 'reports the signal that ended a process',
    async check({ host }) {
      for (const name of ['SIGINT', 'SIGTERM', 'SIGKILL', 'SIGHUP'] as const) {
        await using process = await host.spawn({ argv: ['sleep', '1000'] });
        await process.signal(name);
        assert.deepEqual(await process.exit, { kind: 'signaled', name });
      }
    },
  },
  {
    name: 'joins an ending that is under way, and makes it harsher when told to',
    async check({ host }) {
      const process = await host.spawn({ argv: ['sleep', '1000'] });
      const gentle = process.end({ graceMs: 3_600_000 });
      const again = process.end();
      const harsh = process.end({ from: 'kill' });
      const killed = { kind: 'signaled', name: 'SIGKILL' };
      assert.deepEqual(await Promise.all([gentle, again, harsh]), [killed, killed, killed]);
      assert.deepEqual(await process.end(), killed);
      await process.signal('SIGTERM');
    },
  },
  {
    name: 'ends the group when the signal given at the start fires',
    async check({ host }) {
      const controller = new AbortController();
      const ending = { signal: controller.signal, graceMs: LONG_MS };
      const process = await host.spawn({ argv: ['cat'] }, ending);
      controller.abort();
      assert.deepEqual(await process.exit, { kind: 'exited', code: 0 });
      await process[Symbol.asyncDispose]();
    },
  },
];
