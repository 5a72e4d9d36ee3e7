import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { retainOutput, webWritable } from '../byte-streams.ts';
import type { CheckedCommand } from '../check-command.ts';
import type { ProcessExit } from '../process.ts';
import { byteExactCommand } from './byte-exact-command.ts';
import { startFailure } from './start-failure.ts';
import type { StartedProcess } from './started-process.ts';

/** Starts a process in a session, and so a group, of its own, with a pipe for each of its three streams. */
export async function startPipeProcess(command: CheckedCommand): Promise<StartedProcess> {
  const request = await byteExactCommand(command);
  const [program, ...args] = request.argv;
  let child: ChildProcessWithoutNullStreams;
  try {
    child = spawn(program, args, {
      cwd: request.cwd,
      env: { ...request.env },
      detached: true,
      stdio: 'pipe',
    });
  } catch (failure) {
    throw await startFailure(request, failure);
  }
  const { pid } = child;
  if (pid === undefined) {
    const { promise, resolve } = Promise.withResolvers<Error>();
    child.once('error', resolve);
    throw await startFailure(request, await promise);
  }
  const exit = Promise.withResolvers<ProcessExit>();
  child.once('exit', (code, signal) => {
    exit.resolve(signal === null ? { kind: 'exited', code: code ?? 0 } : { kind: 'signaled', name: signal });
  });
  // Says that a signal could not be sent, which nothing here asks Node to do; unheard it would end the program.
  child.on('error', () => undefined);
  const name = `${command.argv[0]} (process ${pid})`;
  return {
    pid,
    stdin: webWritable(child.stdin, `write to ${name}`),
    outputs: [
      retainOutput(child.stdout, `read the output of ${name}`),
      retainOutput(child.stderr, `read the error output of ${name}`),
    ],
    exit: exit.promise,
    hangUp: () => child.stdin.end(),
    unref: () => child.unref(),
  };
}
