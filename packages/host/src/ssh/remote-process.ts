import { abortedError } from '../abort.ts';
import type { CheckedCommand } from '../check-command.ts';
import { createEnding } from '../end-process.ts';
import { HostError } from '../host-error.ts';
import type { EndOptions, HostProcess, ProcessExit, SpawnOptions } from '../process.ts';
import { type ProcessIdentity, parseProcess } from '../process-tree.ts';
import { channelInput } from './channel-input.ts';
import { launchFailure, launchScript } from './launch-script.ts';
import { endLeftBehind } from './left-behind.ts';
import { remoteProcessTree } from './remote-process-tree.ts';
import { openScript, type RemoteScript } from './remote-script.ts';
import type { SshLink } from './ssh-link.ts';
import type { Terminal } from './ssh-session.ts';

/** As much unread output as is taken into memory when a process is disposed of. */
const ABSORB_BYTES = 4 * 1024 * 1024;
const DEFAULT_TERM = 'xterm-256color';
const END_OF_INPUT = Buffer.of(4);

/** Starts a process on the host. See `Host.spawn`. */
export async function startRemoteProcess(
  link: SshLink,
  request: { readonly command: CheckedCommand; readonly markerIds: readonly string[] },
  options: SpawnOptions,
): Promise<HostProcess> {
  const { pty, signal } = options;
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
  const leader = leaderOf(script.answer.slice('ok '.length));
  const process = remoteProcess(
    link,
    { script, leader, markerIds: request.markerIds, terminal, command },
    signal,
  );
  if (signal?.aborted) {
    await process.end({ from: 'kill' });
    throw abortedError(signal, `start ${command.argv[0]}`);
  }
  return process;
}

function withTerm(command: CheckedCommand, term: string): CheckedCommand {
  return { ...command, env: { TERM: term, ...command.env } };
}

function leaderOf(stat: string): ProcessIdentity {
  const pid = Number.parseInt(stat, 10);
  const row = parseProcess(pid, stat);
  if (row.group === pid && row.session === pid) return row;
  throw new HostError(
    'unsupported',
    'The host does not give each command a session of its own, as sshd does.',
  );
}

interface Started {
  readonly script: RemoteScript;
  readonly leader: ProcessIdentity;
  readonly markerIds: readonly string[];
  readonly terminal: Terminal | undefined;
  readonly command: CheckedCommand;
}

function remoteProcess(link: SshLink, started: Started, signal: AbortSignal | undefined): HostProcess {
  const { script, leader, markerIds, terminal, command } = started;
  const { channel, exit, stdout, stderr, lost, guard } = script;
  const tree = remoteProcessTree(link, { leader, markerIds });
  void exit.then(({ kind }) => {
    if (kind === 'lost') void endLeftBehind(link, markerIds);
    else guard.release(markerIds);
  });
  const hangUp = (): void => {
    if (terminal === undefined) channel.end();
    else if (channel.writable) channel.write(END_OF_INPUT);
  };
  const ending = createEnding({ pid: leader.pid, exit, group: tree, hangUp });
  const orLost = async (ended: Promise<ProcessExit>): Promise<ProcessExit> => {
    try {
      return await ended;
    } catch (failure) {
      // Nothing more can be done there, and the exit says so.
      if (lost.aborted) return await exit;
      throw failure;
    }
  };
  const onAbort = (): void => {
    // Whoever waits for the ending calls `end` and hears of its failure there.
    void orLost(ending()).catch(() => undefined);
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) onAbort();
  const closed = Promise.all([exit, stdout.ended, stderr.ended]).then(([ended]) => ended);
  void closed.then(() => signal?.removeEventListener('abort', onAbort));
  const end = async (options?: EndOptions): Promise<ProcessExit> => {
    signal?.removeEventListener('abort', onAbort);
    return await orLost(ending(options));
  };
  return {
    pid: leader.pid,
    stdin: channelInput(channel, {
      exit,
      hangUp,
      attempt: `write to ${command.argv[0]} (process ${leader.pid})`,
    }),
    stdout: stdout.stream,
    stderr: stderr.stream,
    exit,
    closed,
    async signal(name) {
      if (!lost.aborted) await tree.signal(name);
    },
    end,
    ...(terminal && {
      resize: async ({ columns, rows }) => void channel.setWindow(rows, columns, 0, 0),
    }),
    async [Symbol.asyncDispose]() {
      await end();
      for (const output of [stdout, stderr]) output.absorb(ABSORB_BYTES);
    },
  };
}
