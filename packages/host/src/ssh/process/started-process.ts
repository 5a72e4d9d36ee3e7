import { abortedError } from '../../abort.ts';
import type { RetainedOutput } from '../../byte-streams.ts';
import { createEnding, type EndableGroup } from '../../end-process.ts';
import { HostError } from '../../host-error.ts';
import type { EndOptions, HostProcess, ProcessExit, PtySize } from '../../process.ts';
import { type ProcessIdentity, parseProcess } from '../../process-tree.ts';
import { throughOutages } from '../link/outage.ts';
import type { SshLink } from '../link/ssh-link.ts';
import { remoteProcessTree } from './remote-process-tree.ts';

/** As much unread output as is taken into memory when a process is disposed of. */
const ABSORB_BYTES = 4 * 1024 * 1024;

/** A process on the host, and the ways to it. */
export interface StartedProcess {
  readonly leader: ProcessIdentity;
  readonly markerIds: readonly string[];
  readonly exit: Promise<ProcessExit>;
  readonly stdin: WritableStream<Uint8Array>;
  readonly stdout: RetainedOutput;
  readonly stderr: RetainedOutput;
  /** Ends its input. */
  hangUp(): void;
  /** Whether its exit says `lost`, so that nothing more can be done to it. */
  isLost(): boolean;
  /** Where it does, its ending waits for a broken link as well. */
  readonly outlivesConnections?: boolean;
  resize?(size: PtySize): Promise<void>;
}

/** The process's own line of /proc/<pid>/stat as an identity. */
export function leaderOf(stat: string): ProcessIdentity {
  const pid = Number.parseInt(stat, 10);
  const row = parseProcess(pid, stat);
  if (row.group === pid && row.session === pid) return row;
  throw new HostError(
    'unsupported',
    'The host does not give each command a session of its own, as sshd does.',
  );
}

export interface HandingOut {
  readonly signal: AbortSignal | undefined;
  readonly graceMs: number | undefined;
  readonly attempt: string;
}

/**
 * What the caller of `Host.spawn` gets.
 *
 * @throws {HostError} `aborted` when the signal fired while the process was started; it is ended then.
 */
export async function handedOut(
  link: SshLink,
  started: StartedProcess,
  { signal, graceMs, attempt }: HandingOut,
): Promise<HostProcess> {
  const ending = graceMs === undefined ? {} : { graceMs };
  const process = hostProcess(link, started, { signal, ending });
  if (!signal?.aborted) return process;
  await process.end({ from: 'term', ...ending });
  throw abortedError(signal, attempt);
}

function reachedThroughOutages(link: SshLink, group: EndableGroup): EndableGroup {
  return {
    signalAll: async (name) => await throughOutages(link, () => group.signalAll(name)),
    countLiving: async () => await throughOutages(link, () => group.countLiving()),
  };
}

interface Stop {
  readonly signal: AbortSignal | undefined;
  /** How the process is ended when the signal fires. */
  readonly ending: EndOptions;
}

function hostProcess(link: SshLink, started: StartedProcess, { signal, ending: how }: Stop): HostProcess {
  const { leader, markerIds, exit, stdin, stdout, stderr, hangUp, isLost, outlivesConnections, resize } =
    started;
  const tree = remoteProcessTree(link, { leader, markerIds });
  const group = outlivesConnections ? reachedThroughOutages(link, tree) : tree;
  const ending = createEnding({ pid: leader.pid, exit, group, hangUp });
  const orLost = async (ended: Promise<ProcessExit>): Promise<ProcessExit> => {
    try {
      return await ended;
    } catch (failure) {
      // Nothing more can be done there, and the exit says so.
      if (isLost()) return await exit;
      throw failure;
    }
  };
  const onAbort = (): void => {
    // Whoever waits for the ending calls `end` and hears of its failure there.
    void orLost(ending(how)).catch(() => undefined);
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  const closed = Promise.all([exit, stdout.ended, stderr.ended]).then(([ended]) => ended);
  void closed.then(() => signal?.removeEventListener('abort', onAbort));
  const end = async (options?: EndOptions): Promise<ProcessExit> => {
    signal?.removeEventListener('abort', onAbort);
    return await orLost(ending(options));
  };
  return {
    pid: leader.pid,
    stdin,
    stdout: stdout.stream,
    stderr: stderr.stream,
    exit,
    closed,
    async signal(name) {
      if (!isLost()) await tree.signal(name);
    },
    end,
    ...(resize && { resize }),
    async [Symbol.asyncDispose]() {
      await end();
      for (const output of [stdout, stderr]) output.absorb(ABSORB_BYTES);
    },
  };
}
