import type { ClientChannel } from 'ssh2';
import { abortedError } from '../../abort.ts';
import { type RetainedOutput, retainOutput } from '../../byte-streams.ts';
import type { ProcessExit } from '../../process.ts';
import { nextAnswer } from './answer-line.ts';
import type { Guard } from './guard.ts';
import { newToken, terminalShell } from './host-shell.ts';
import { type Interruption, type RepeatOptions, throughInterruptions } from './interruption.ts';
import type { GuardedSession, SshLink } from './ssh-link.ts';
import { letGoOf, type Terminal } from './ssh-session.ts';

/** A script on the host that has given its first answer. */
export interface RemoteScript {
  /** What the script said with `say`. */
  readonly answer: string;
  readonly channel: ClientChannel;
  readonly stdout: RetainedOutput;
  readonly stderr: RetainedOutput;
  readonly exit: Promise<ProcessExit>;
  readonly lost: AbortSignal;
  /** See `Connection`. */
  drained(): Promise<void>;
  /** Of the connection that it runs over. */
  readonly guard: Guard;
}

export interface ScriptOptions extends RepeatOptions {
  readonly terminal?: Terminal;
  /** Stops the wait for a place. Once it is there the script's answer is awaited: only then is it known what it has started. */
  readonly signal?: AbortSignal;
  /** Ids that the script gives what it starts, to be ended with the connection. */
  readonly guarded?: readonly string[];
}

/**
 * Runs a POSIX shell script in a session of its own, up to its first `say`. The script goes through standard input: so it is not bound by the length of an
 * argument, no list of processes shows what stands in it, and the user's login shell, whichever it is, sees a line that all shells read alike.
 * What `say` says begins with a word that cannot be guessed, so that nothing a login prints is taken for it.
 */
export async function openScript(
  link: SshLink,
  script: string,
  options: ScriptOptions,
): Promise<RemoteScript> {
  return await throughInterruptions(options, () => openOnce(link, script, options));
}

async function openOnce(
  link: SshLink,
  script: string,
  options: ScriptOptions,
): Promise<{ readonly kind: 'done'; readonly value: RemoteScript } | Interruption> {
  const token = newToken();
  const body = Buffer.from(`say() { printf '\\n%s %s\\n' ${token} "$*"; }\n${script}\n`);
  const opened = await openShell(link, { token, bytes: body.length }, options);
  const { channel, lost } = opened.session;
  const { attempt } = options;
  const answering = { attempt, withinMs: link.answerWithinMs };
  let wasSent = false;
  try {
    if (options.signal?.aborted) throw abortedError(options.signal, options.attempt);
    if (options.terminal !== undefined) await nextAnswer(opened.session, token, answering);
    wasSent = true;
    if (options.guarded !== undefined) opened.guard.protect(options.guarded);
    if (options.terminal === undefined) channel.write(`${body.length}\n`);
    channel.write(body);
    const answer = await nextAnswer(opened.session, token, answering);
    return { kind: 'done', value: remoteScript(opened, answer, options.attempt) };
  } catch (failure) {
    // What hangs must not go on when nobody waits for it any more.
    if (!lost.aborted && channel.writable) channel.signal('KILL');
    letGoOf(opened.session);
    if (lost.aborted) return { kind: 'interrupted', cause: lost.reason, wasSent };
    throw failure;
  }
}

async function openShell(
  link: SshLink,
  { token, bytes }: { readonly token: string; readonly bytes: number },
  { terminal, signal }: ScriptOptions,
): Promise<GuardedSession> {
  const stop = signal === undefined ? {} : { signal };
  if (terminal === undefined) return await link.shell(stop);
  return await link.terminal(terminalShell(token, bytes), { terminal, ...stop });
}

function remoteScript({ session, guard }: GuardedSession, answer: string, attempt: string): RemoteScript {
  const { channel, lost, drained, exit } = session;
  const retain = { lost, sharesChannel: true };
  return {
    answer,
    channel,
    stdout: retainOutput(channel, attempt, retain),
    stderr: retainOutput(channel.stderr, attempt, retain),
    exit,
    lost,
    drained,
    guard,
  };
}
