import type { CheckedCommand } from '../../../check-command.ts';
import { HostError } from '../../../host-error.ts';
import type { HostPath } from '../../../host-path.ts';
import type { HostProcess, ProcessExit } from '../../../process.ts';
import { shellWord } from '../../../shell-quoting.ts';
import { throughOutages } from '../../link/outage.ts';
import { openScript } from '../../link/remote-script.ts';
import { scriptOutput, scriptResult } from '../../link/script-output.ts';
import type { SshLink } from '../../link/ssh-link.ts';
import { launchFailure } from '../launch-script.ts';
import { endLeftBehind } from '../left-behind.ts';
import { handedOut, leaderOf } from '../started-process.ts';
import { type Attachments, createAttachments } from './attachments.ts';
import { continuedOutput } from './continued-output.ts';
import {
  type DurableProcess,
  endInputScript,
  removeAbandonedScript,
  removeDurableScript,
  startDurableScript,
} from './durable-script.ts';
import { queuedInput } from './queued-input.ts';

export interface DurableRequest {
  readonly command: CheckedCommand;
  readonly markerIds: readonly string[];
  readonly folder: HostPath;
  readonly signal: AbortSignal | undefined;
  readonly graceMs: number | undefined;
  /** Holds, for as long as the folder is there, what removes it: for a host that is closed before anybody has read all that the process printed. */
  readonly removals: Set<() => Promise<void>>;
}

/** How much longer than this program tries to come back a process goes on. */
const MARGIN_SECONDS = 60;
const MAX_GRACE_SECONDS = 24 * 60 * 60;

/**
 * Starts a process that outlives the connection, see `SpawnOptions.durable`. Gives `undefined` where the host cannot do it.
 * What it reads and prints goes through files on the host; whatever was under way when a connection broke goes on over the next one, from the byte where it was.
 */
export async function startDurableProcess(
  link: SshLink,
  { command, markerIds, folder, signal, graceMs, removals }: DurableRequest,
): Promise<HostProcess | undefined> {
  const name = command.argv[0];
  const graceSeconds = Math.min(MAX_GRACE_SECONDS, Math.ceil(link.reconnectForMs / 1_000) + MARGIN_SECONDS);
  const durable: DurableProcess = { folder, markerIds, graceSeconds };
  const script = await openScript(link, startDurableScript(durable, command), {
    attempt: `start ${name}`,
    ...(signal && { signal }),
  }).catch((failure: unknown) => {
    // It may have been started, and nobody will ever know it. With the caller's signal, nothing was asked of the host.
    if (!(failure instanceof HostError) || failure.code !== 'aborted') void endUnknown(link, durable);
    throw failure;
  });
  if (!script.answer.startsWith('ok ')) {
    script.channel.close();
    if (script.answer === 'no not-durable') return undefined;
    throw launchFailure(command, script.answer);
  }
  // Nothing may end the process when this connection does. But the host has to learn some time that it is gone.
  script.guard.watch();
  const leader = leaderOf(script.answer.slice('ok '.length));
  const attachments = createAttachments(link, script, {
    durable,
    supervisor: leader,
    leave: () => ({ out: stdout.leave(), err: stderr.leave() }),
  });
  const stdout = continuedOutput(attachments, (attachment) => attachment.script.stdout);
  const stderr = continuedOutput(attachments, (attachment) => attachment.script.stderr);
  let isLost = false;
  let hasEnded = false;
  let endingOfRest: Promise<void> | undefined;
  const exit = exitOf(attachments).then((ended) => {
    hasEnded = true;
    isLost = ended.kind === 'lost';
    if (isLost) endingOfRest = endLeftBehind(link, markerIds);
    return ended;
  });
  const remove = once(async () => {
    await endingOfRest;
    await removeFolder(link, folder);
    removals.delete(remove);
  });
  removals.add(remove);
  const input = queuedInput(attachments, {
    exit,
    attempt: `write to ${name} (process ${leader.pid})`,
    arrived: async () => await arrivedBytes(link, folder),
    end: async (bytes) => {
      const attempt = `end the input of ${name}`;
      const script = endInputScript(folder, bytes);
      const ask = () => scriptResult(link, script, { attempt, repeatable: true, slow: true });
      return (await throughOutages(link, ask, () => hasEnded)).code !== 1;
    },
  });
  void Promise.all([exit, stdout.ended, stderr.ended]).then(remove);
  const started = {
    leader,
    markerIds,
    exit,
    stdin: input.stream,
    stdout,
    stderr,
    hangUp: input.hangUp,
    isLost: () => isLost,
    outlivesConnections: true,
  };
  return await handedOut(link, started, { signal, graceMs, attempt: `start ${name}` });
}

/** Exit codes above 128 are what a shell makes of a signal. See signal(7) for the numbers, which are those of Linux on x64 and arm64. */
const SIGNALS: Readonly<Record<number, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  4: 'SIGILL',
  5: 'SIGTRAP',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  10: 'SIGUSR1',
  11: 'SIGSEGV',
  12: 'SIGUSR2',
  13: 'SIGPIPE',
  14: 'SIGALRM',
  15: 'SIGTERM',
  24: 'SIGXCPU',
  25: 'SIGXFSZ',
  31: 'SIGSYS',
};

async function exitOf(attachments: Attachments): Promise<ProcessExit> {
  for (let next = await attachments.current(); next !== undefined; next = await attachments.after(next)) {
    const ended = await next.exit;
    if (ended === undefined) continue;
    const signal = ended.kind === 'exited' ? SIGNALS[ended.code - 128] : undefined;
    return signal === undefined ? ended : { kind: 'signaled', name: signal };
  }
  return { kind: 'lost', cause: attachments.failure ?? new Error('The host is gone.') };
}

async function arrivedBytes(link: SshLink, folder: HostPath): Promise<number> {
  const attempt = 'ask what has arrived';
  return Number(await scriptOutput(link, `wc -c <${shellWord(folder)}/in`, { attempt, repeatable: true }));
}

/** What is left there is of no use to anybody, so that a failure is of no interest: the host removes it by itself after a while. */
async function removeFolder(link: SshLink, folder: HostPath): Promise<void> {
  if (link.lost.aborted) return;
  const attempt = `remove ${folder}`;
  await scriptResult(link, removeDurableScript(folder), { attempt, repeatable: true }).catch(() => undefined);
}

/** Ends a process of which it is not known whether it was started, with what it has left. Its folder may be somebody else's. */
async function endUnknown(link: SshLink, { folder, markerIds }: DurableProcess): Promise<void> {
  await endLeftBehind(link, markerIds);
  const attempt = `remove ${folder}`;
  await scriptResult(link, removeAbandonedScript(folder), { attempt, repeatable: true }).catch(
    () => undefined,
  );
}

function once(act: () => Promise<void>): () => Promise<void> {
  let acting: Promise<void> | undefined;
  return () => {
    acting ??= act();
    return acting;
  };
}
