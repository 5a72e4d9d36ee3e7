import { type Host, HostError, type HostProcess } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { expect, it } from 'vitest';
import { fakeAppServerCommand } from '../testing/index.ts';
import { openAppServer } from './app-server.ts';

const client = {
  onNotification: () => undefined,
  onServerRequest: async () => ({}),
  onOddity: () => undefined,
};

/** A host that is lost as soon as somebody wants to know what a process has left. */
function lostAtTheEnd(host: Host, started: (process: HostProcess) => void): Host {
  return {
    ...host,
    async spawn(...args) {
      const process = await host.spawn(...args);
      started(process);
      return {
        ...process,
        end: async () => {
          throw new HostError('host-lost', 'The link is broken.');
        },
      };
    },
  };
}

it('tells that Codex is gone also where the host fails when its end is looked at', async () => {
  await using here = createLocalHost();
  await using processes = new AsyncDisposableStack();
  const host = lostAtTheEnd(here, (process) => processes.use(process));
  const [program, ...args] = fakeAppServerCommand().argv;
  const server = await openAppServer(
    host,
    { argv: [program, ...args] },
    { client, requestDeadlineMs: 30_000, startDeadlineMs: 50_000 },
  );
  await expect(server.end()).rejects.toMatchObject({ code: 'host-lost' });
  expect(await server.gone).toMatchObject({
    code: 'agent-lost',
    message: expect.stringContaining('The link is broken.'),
  });
});

it('gives an ending Codex the time that whoever ends it has said, and no other', async () => {
  await using here = createLocalHost();
  const graces: (number | undefined)[] = [];
  const host: Host = {
    ...here,
    async spawn(...args) {
      const process = await here.spawn(...args);
      return {
        ...process,
        async end(options) {
          graces.push(options?.graceMs);
          return await process.end({ from: 'kill' });
        },
      };
    },
  };
  // Its input ends and it goes on, as Codex does while it still writes.
  const [program, ...args] = fakeAppServerCommand({ faults: [{ type: 'ignore-end-of-input' }] }).argv;
  const server = await openAppServer(
    host,
    { argv: [program, ...args] },
    { client, requestDeadlineMs: 30_000, startDeadlineMs: 50_000 },
  );
  const exit = await server.end({ graceMs: 3_600_000 });
  expect(exit).toEqual({ kind: 'signaled', name: 'SIGKILL' });
  expect((await server.gone).message).toContain('SIGKILL');
  expect(graces).toEqual([3_600_000]);
});
