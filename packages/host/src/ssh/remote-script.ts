import { randomBytes } from 'node:crypto';
import type { ClientChannel } from 'ssh2';
import { type RetainedOutput, retainOutput } from '../byte-streams.ts';
import { HostError } from '../host-error.ts';
import type { ProcessExit } from '../process.ts';
import type { Session, SshLink, Terminal } from './ssh-link.ts';

/** A script on the host that has given its first answer. */
export interface RemoteScript {
  /** What the script said with `say`. */
  readonly answer: string;
  readonly channel: ClientChannel;
  readonly stdout: RetainedOutput;
  readonly stderr: RetainedOutput;
  readonly exit: Promise<ProcessExit>;
  readonly lost: AbortSignal;
}

export interface ScriptOptions {
  /** For messages, after "Could not". */
  readonly attempt: string;
  readonly terminal?: Terminal;
  /** Stops the wait for a place. Once it is there the script's answer is awaited: only then is it known what it has started. */
  readonly signal?: AbortSignal;
  /** Doing it twice does the same as doing it once: so it is done again when the connection broke and nobody knows whether it was done. */
  readonly repeatable?: boolean;
  /** It may take long: nothing else waits behind it. */
  readonly slow?: boolean;
  /** Keep the environment of the login, instead of starting with an empty one. */
  readonly loginEnvironment?: boolean;
}

/** A login may print this much before the script speaks: shells that greet whoever comes. */
const MAX_NOISE_BYTES = 256 * 1024;
const CLEAN = 'env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C ';

/**
 * Runs a POSIX shell script on the host, up to its first `say`. The script goes through standard input: so it is not bound by the length of an argument,
 * no list of processes shows what stands in it, and the user's login shell, whichever it is, sees a line that all shells read alike.
 * What `say` says begins with a word that cannot be guessed, so that nothing a login prints is taken for it.
 */
export async function openScript(
  link: SshLink,
  script: string,
  options: ScriptOptions,
): Promise<RemoteScript> {
  const token = randomBytes(12).toString('hex');
  const body = Buffer.from(`say() { printf '\\n%s %s\\n' ${token} "$*"; }\n${script}\n`);
  const line = bootstrap(token, body.length, options);
  const { terminal, signal } = options;
  const session = await link.open(line, { ...(terminal && { terminal }), ...(signal && { signal }) });
  const { channel, lost, exit } = session;
  const answers = { session, token, options };
  try {
    if (terminal !== undefined) await nextAnswer(answers);
    channel.write(body);
    const answer = await nextAnswer(answers);
    const retain = {
      failureAtEnd: (): HostError | undefined => (lost.aborted ? lost.reason : undefined),
      sharesChannel: true,
    };
    return {
      answer,
      channel,
      stdout: retainOutput(channel, options.attempt, retain),
      stderr: retainOutput(channel.stderr, options.attempt, retain),
      exit,
      lost,
    };
  } catch (failure) {
    channel.resume();
    channel.stderr.resume();
    channel.close();
    throw failure;
  }
}

function bootstrap(token: string, bytes: number, options: ScriptOptions): string {
  const shell = `exec ${options.loginEnvironment ? '' : CLEAN}/bin/sh -c`;
  if (options.terminal === undefined) return `${shell} 'eval "$(head -c ${bytes})"'`;
  // In its usual mode a terminal would show the script and cut long lines.
  const quiet = `s=$(stty -g); stty raw -echo; printf "\\n%s ready\\n" ${token}`;
  return `${shell} '${quiet}; S=$(head -c ${bytes}); stty "$s"; eval "$S"'`;
}

interface Answers {
  readonly session: Session;
  readonly token: string;
  readonly options: ScriptOptions;
}

/** Reads up to the next line that begins with the token; what follows it stays in the channel. */
async function nextAnswer({ session, token, options }: Answers): Promise<string> {
  const { channel, lost } = session;
  const { attempt } = options;
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const marker = Buffer.from(`\n${token} `);
  let seen = Buffer.alloc(0);
  const look = (): void => {
    for (let chunk: Buffer | null = channel.read(); chunk !== null; chunk = channel.read()) {
      seen = Buffer.concat([seen, chunk]);
      const start = seen.indexOf(marker);
      const end = start < 0 ? -1 : seen.indexOf('\n', start + marker.length);
      if (end >= 0) {
        channel.off('readable', look);
        if (end + 1 < seen.length) channel.unshift(seen.subarray(end + 1));
        resolve(seen.toString('utf8', start + marker.length, end).replace(/\r$/, ''));
        return;
      }
      if (seen.length > MAX_NOISE_BYTES) reject(mute(attempt, seen));
    }
  };
  const onEnd = (): void => reject(lost.aborted ? lost.reason : mute(attempt, seen));
  channel.on('readable', look);
  channel.once('end', onEnd);
  lost.addEventListener('abort', onEnd, { once: true });
  try {
    look();
    if (channel.readableEnded) onEnd();
    return await promise;
  } finally {
    channel.off('readable', look);
    channel.off('end', onEnd);
    lost.removeEventListener('abort', onEnd);
  }
}

function mute(attempt: string, seen: Buffer): HostError {
  const said = seen.toString('utf8').trim().slice(-500);
  const what = said === '' ? 'It printed nothing.' : `It printed: ${said}`;
  return new HostError('io', `Could not ${attempt}: the host's shell did not run the script. ${what}`);
}
