import { HostError, type HostProcess } from '@seedbed/host';
import { createMemoryHost } from '@seedbed/host/testing';
import { expect, test } from 'vitest';
import { logInByDevice } from './log-in-by-device.ts';

/** A process that nobody can end. */
function stubbornProcess(): HostProcess {
  const never = new Promise<never>(() => undefined);
  const output = (): ReadableStream<Uint8Array> => new ReadableStream();
  return {
    ...{ pid: 1, exit: never, closed: never, stdout: output(), stderr: output() },
    stdin: new WritableStream(),
    signal: async () => undefined,
    end: async () => {
      throw new HostError('timeout', 'It still runs.');
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

test('a login that is given up ends with what kept its Codex from being ended, and with nothing else', async () => {
  await using memory = createMemoryHost();
  const host = { ...memory, spawn: async () => stubbornProcess() };
  const giveUp = new AbortController();
  const login = logInByDevice(host, (...args) => ({ argv: ['codex', ...args] }), {
    onPrompt: () => undefined,
    signal: giveUp.signal,
  });
  setImmediate(() => giveUp.abort());
  await expect(login).rejects.toMatchObject({ code: 'timeout', message: 'It still runs.' });
});
