import type { CheckedCommand } from '../../check-command.ts';
import { checkPtySize } from '../../option-values.ts';
import type { HostProcess, SpawnOptions } from '../../process.ts';
import { openScript } from '../link/remote-script.ts';
import type { SshLink } from '../link/ssh-link.ts';
import type { Terminal } from '../link/ssh-session.ts';
import { channelInput } from './channel-input.ts';
import { launchFailure, launchScript } from './launch-script.ts';
import { endLeftBehind } from './left-behind.ts';
import { handedOut, leaderOf, type StartedProcess } from './started-process.ts';

const DEFAULT_TERM = 'xterm-256color';
const END_OF_INPUT = Buffer.of(4);

/** Starts a process on the host. See `Host.spawn`. */
export async function startRemoteProcess(
  link: SshLink,
  request: { readonly command: CheckedCommand; readonly markerIds: readonly string[] },
  options: SpawnOptions,
): Promise<HostProcess> {
  const { pty, signal, graceMs } = options;
  const terminal: Terminal | undefined = pty && { ...pty, term: pty.term ?? DEFAULT_TERM };
  const command = terminal === undefined ? request.command : withTerm(request.command, terminal.term);
  const script = await openScript(link, launchScript(command), {
    attempt: `start ${command.argv[0]}`,
    guarded: request.markerIds,
    ...(terminal && { terminal }),
    ...(signal && { signal }),
  });
  if (!script.answer.startsWith('ok ')) {
    script.guard.release(request.markerIds);
    script.channel.close();
    throw launchFailure(command, script.answer);
  }
  const { channel, exit, drained, stdout, stderr, lost, guard } = script;
  void exit.then(({ kind }) => {
    if (kind === 'lost') void endLeftBehind(link, request.markerIds);
    else guard.release(request.markerIds);
  });
  const leader = leaderOf(script.answer.slice('ok '.length));
  const hangUp = (): void => {
    if (terminal === undefined) channel.end();
    else if (channel.writable) channel.write(END_OF_INPUT);
  };
  const attempt = `write to ${command.argv[0]} (process ${leader.pid})`;
  const started: StartedProcess = {
    leader,
    markerIds: request.markerIds,
    exit,
    stdin: channelInput(channel, { exit, drained, hangUp, attempt }),
    stdout,
    stderr,
    hangUp,
    isLost: () => lost.aborted,
    ...(terminal && {
      async resize(size) {
        checkPtySize(size);
        channel.setWindow(size.rows, size.columns, 0, 0);
      },
    }),
  };
  return await handedOut(link, started, { signal, graceMs, attempt: `start ${command.argv[0]}` });
}

function withTerm(command: CheckedCommand, term: string): CheckedCommand {
  return { ...command, env: { TERM: term, ...command.env } };
}
