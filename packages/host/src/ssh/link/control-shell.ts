import { HostError } from '../../host-error.ts';
import { createFramedOutput, type FramedOutput } from './framed-output.ts';
import { newToken, talkativeShell } from './host-shell.ts';
import type { Interruption } from './interruption.ts';
import { readLoginFacts } from './login-facts.ts';
import { letGoOf, type Session } from './ssh-session.ts';

export interface ScriptResult {
  readonly stdout: Buffer;
  readonly code: number;
  /** Its end, when it is long. */
  readonly stderr: string;
}

export type ControlAnswer = { readonly kind: 'done'; readonly value: ScriptResult } | Interruption;

/**
 * A shell on the host that stays open and runs one script after the other, each in a subshell with no input. Scripts are sent without waiting for the
 * answers to those before them, so that many of them at once cost one round trip.
 */
export interface ControlShell {
  /** How many scripts have been asked for and not answered. */
  readonly pending: number;
  /** For how long the script at the head has been running, in milliseconds; 0 when there is none. */
  readonly busyMs: number;
  /** False once it can take no more scripts. */
  readonly isOpen: boolean;
  /** What `uname -s`, `uname -m`, `id -u` and `env -0` say to who logs in. */
  readonly login: Promise<Buffer>;
  /**
   * @throws {HostError} `limit-exceeded` when the script prints more than 64 MiB, `timeout` when it hangs, what `open` throws.
   */
  ask(script: string, attempt: string): Promise<ControlAnswer>;
  close(): void;
}

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
const MAX_MESSAGE_BYTES = 64 * 1024;

interface Asked {
  /** When the shell came to it, as far as is known here. */
  began: number;
}

/**
 * @param open runs a line in a session of its own.
 * @param deadlineMs a script that takes longer hangs: on a network file system that is away, say.
 */
export function createControlShell(
  open: (line: string) => Promise<Session>,
  deadlineMs: number,
): ControlShell {
  const token = newToken();
  const asked: Asked[] = [];
  let isOpen = true;
  let opened: { readonly session: Session; readonly outputs: readonly FramedOutput[] } | undefined;
  let hanging: Asked | undefined;
  let deadline: NodeJS.Timeout | undefined;

  const shut = (cause: Error): void => {
    isOpen = false;
    clearTimeout(deadline);
    for (const output of opened?.outputs ?? []) output.fail(cause);
    if (opened !== undefined) letGoOf(opened.session);
  };
  const opening = open(talkativeShell(token)).then((session) => {
    const { channel, lost } = session;
    const stdout = createFramedOutput(channel);
    const stderr = createFramedOutput(channel.stderr);
    opened = { session, outputs: [stdout, stderr] };
    channel.once('close', () => {
      const why = 'The host ended the shell that does the file operations.';
      shut(lost.aborted ? lost.reason : new HostError('host-lost', why));
    });
    if (!isOpen) letGoOf(session);
    return { session, channel, lost, stdout, stderr };
  });
  opening.catch(shut);

  const login = opening.then(({ session, stdout }) =>
    readLoginFacts(session, stdout, { mark: Buffer.from(`\n${token}`), deadlineMs }),
  );
  login.catch(() => undefined);

  /** Only the script that the shell is at can hang; those behind it wait for it. */
  const watchHead = (): void => {
    clearTimeout(deadline);
    const [head] = asked;
    if (head === undefined || !isOpen) return;
    head.began = performance.now();
    deadline = setTimeout(() => {
      hanging = head;
      // Those behind it must not run when nobody waits for them any more.
      opened?.session.channel.signal('KILL');
      shut(new HostError('host-lost', 'The shell hung at another script.'));
    }, deadlineMs);
  };
  const send = async (script: string): Promise<ControlAnswer> => {
    let shell: Awaited<typeof opening>;
    try {
      shell = await opening;
    } catch (cause) {
      if (cause instanceof HostError && cause.code === 'host-lost') return interrupted(cause, false);
      throw cause;
    }
    const { channel, lost, stdout, stderr } = shell;
    if (lost.aborted) return interrupted(lost.reason, false);
    const mark = newToken();
    const frame = Buffer.from(`\n${mark}`);
    const answers = Promise.all([
      stdout.until(frame, MAX_OUTPUT_BYTES),
      stderr.until(frame, MAX_MESSAGE_BYTES),
    ]);
    // A shell parses a command to its end before it runs any of it: a script that is cut off does nothing.
    const report = `printf '\\n%s %s\\n' ${mark} $?; printf '\\n%s\\n' ${mark} >&2`;
    channel.write(`(\n${script}\n) </dev/null; ${report}\n`);
    try {
      const [out, err] = await answers;
      if (out.isTooLong) throw new HostError('limit-exceeded', 'The answer is too long.');
      return {
        kind: 'done',
        value: { stdout: out.bytes, code: Number(out.rest), stderr: err.bytes.toString() },
      };
    } catch (cause) {
      if (cause instanceof HostError && cause.code === 'limit-exceeded') throw cause;
      return interrupted(cause instanceof Error ? cause : new Error(String(cause)), true);
    }
  };
  return {
    get pending() {
      return asked.length;
    },
    get busyMs() {
      return asked[0] === undefined ? 0 : performance.now() - asked[0].began;
    },
    get isOpen() {
      // The connection is known to be gone before its channels are.
      return isOpen && opened?.session.lost.aborted !== true;
    },
    login,
    async ask(script, attempt) {
      const own: Asked = { began: performance.now() };
      asked.push(own);
      if (asked.length === 1) watchHead();
      try {
        const answer = await send(script);
        if (hanging !== own) return answer;
      } finally {
        asked.splice(asked.indexOf(own), 1);
        watchHead();
      }
      const why = `the host did not answer within ${deadlineMs} ms; it may still do it`;
      throw new HostError('timeout', `Could not ${attempt}: ${why}.`);
    },
    close: () => shut(new HostError('host-lost', 'The host was closed.')),
  };
}

function interrupted(cause: Error, wasSent: boolean): ControlAnswer {
  return { kind: 'interrupted', cause, wasSent };
}
