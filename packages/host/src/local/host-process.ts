import { createEnding } from '../end-process.ts';
import { checkPtySize } from '../option-values.ts';
import type { EndOptions, HostProcess, ProcessExit, SpawnOptions } from '../process.ts';
import { watchProcessGroup } from './process-group.ts';
import type { StartedProcess } from './started-process.ts';

/** As much unread output as is taken into memory when a process is disposed of: more than its pipes can hold. */
const ABSORB_BYTES = 4 * 1024 * 1024;

/** Gives a started process its promises: the whole group, the way it ends, the output that waits for its reader. */
export function hostProcess(
  started: StartedProcess,
  markerIds: readonly string[],
  { signal, graceMs }: Pick<SpawnOptions, 'signal' | 'graceMs'>,
): HostProcess {
  const group = watchProcessGroup(started.pid, markerIds);
  const exit = started.exit.then((ended) => {
    group.leaderEnded();
    return ended;
  });
  const ending = createEnding({ pid: started.pid, exit, group, hangUp: started.hangUp });
  const onAbort = (): void => {
    // Whoever waits for the ending calls `end` and hears of its failure there.
    void ending(graceMs === undefined ? {} : { graceMs }).catch(() => undefined);
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  void exit.then(() => {
    if (group.isGone()) signal?.removeEventListener('abort', onAbort);
  });
  const end = async (options?: EndOptions): Promise<ProcessExit> => {
    signal?.removeEventListener('abort', onAbort);
    return await ending(options);
  };
  const [stdout, stderr] = started.outputs;
  const resize = started.resize;
  return {
    pid: started.pid,
    stdin: started.stdin,
    stdout: stdout.stream,
    stderr: stderr.stream,
    exit,
    closed: Promise.all([exit, stdout.ended, stderr.ended]).then(([ended]) => ended),
    async signal(name) {
      group.signal(name);
    },
    end,
    ...(resize === undefined
      ? {}
      : {
          resize: async (size) => {
            checkPtySize(size);
            await resize(size);
          },
        }),
    async [Symbol.asyncDispose]() {
      await end();
      for (const output of started.outputs) output.absorb(ABSORB_BYTES);
      started.unref();
    },
  };
}
