import { HostError } from '../host-error.ts';
import { createFramedOutput } from './framed-output.ts';
import { newToken, talkativeShell } from './host-shell.ts';
import type { Interruption } from './interruption.ts';
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
   * @throws {HostError} `limit-exceeded` when the script prints more than 64 MiB, `timeout` when it hangs, `io` when the shell ends under it.
   */
  ask(script: string, attempt: string): Promise<ControlAnswer>;
  close(): void;
}

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
const MAX_LOGIN_BYTES = 1024 * 1024;
const MAX_MESSAGE_BYTES = 64 * 1024;
/** A file operation that takes longer hangs: on a network file system that is away, say. */
const DEADLINE_MS = 60_000;

/** `open` runs a line in a session of its own. */
export function createControlShell(open: (line: string) => Promise<Session>): ControlShell {
  const token = newToken();
  const began: number[] = [];
  let isOpen = true;
  let session: Session | undefined;
  const closing = Promise.withResolvers<never>();
  closing.promise.catch(() => undefined);
  const shut = (cause: Error): void => {
    isOpen = false;
    closing.reject(cause);
    if (session !== undefined) letGoOf(session);
  };
  const opening = open(talkativeShell(token)).then((opened) => {
    session = opened;
    const { channel, lost } = opened;
    const outputs = [createFramedOutput(channel), createFramedOutput(channel.stderr)] as const;
    channel.once('close', () => {
      const cause = lost.aborted
        ? lost.reason
        : new HostError('io', 'The host ended the shell that does the file operations.');
      for (const output of outputs) output.fail(cause);
      shut(cause);
    });
    if (!isOpen) letGoOf(opened);
    return { channel, lost, outputs };
  });
  opening.catch(shut);

  const login = opening.then(async ({ outputs: [stdout] }) => {
    const line = Buffer.from(`\n${token}`);
    const [, told] = await Promise.all([
      stdout.until(line, MAX_LOGIN_BYTES),
      stdout.until(line, MAX_LOGIN_BYTES),
    ]);
    return told.bytes;
  });
  login.catch(() => undefined);

  const ask = async (script: string, attempt: string): Promise<ControlAnswer> => {
    let opened: Awaited<typeof opening>;
    try {
      opened = await opening;
    } catch (cause) {
      if (cause instanceof HostError && cause.code === 'host-lost') return notSent(cause);
      throw cause;
    }
    const { channel, lost, outputs } = opened;
    if (lost.aborted) return notSent(lost.reason);
    const mark = newToken();
    const frame = Buffer.from(`\n${mark}`);
    const answers = Promise.all([
      outputs[0].until(frame, MAX_OUTPUT_BYTES),
      outputs[1].until(frame, MAX_MESSAGE_BYTES),
    ]);
    answers.catch(() => undefined);
    // A shell parses a command to its end before it runs any of it: a script that is cut off does nothing.
    channel.write(
      `(\n${script}\n) </dev/null; printf '\\n%s %s\\n' ${mark} $?; printf '\\n%s\\n' ${mark} >&2\n`,
    );
    const deadline = setTimeout(() => {
      // Those behind it must not run when nobody waits for them any more.
      channel.signal('KILL');
      shut(new HostError('timeout', `${attempt}: the host did not answer within ${DEADLINE_MS} ms.`));
    }, DEADLINE_MS);
    try {
      const [stdout, stderr] = await Promise.race([answers, closing.promise]);
      if (stdout.isTooLong) {
        throw new HostError('limit-exceeded', `Could not ${attempt}: the host's answer is too long.`);
      }
      const value = { stdout: stdout.bytes, code: Number(stdout.rest), stderr: stderr.bytes.toString() };
      return { kind: 'done', value };
    } catch (cause) {
      if (lost.aborted) return { kind: 'interrupted', cause: lost.reason, wasSent: true };
      throw cause;
    } finally {
      clearTimeout(deadline);
    }
  };
  return {
    get pending() {
      return began.length;
    },
    get busyMs() {
      return began[0] === undefined ? 0 : performance.now() - began[0];
    },
    get isOpen() {
      // The connection is known to be gone before its channels are.
      return isOpen && session?.lost.aborted !== true;
    },
    login,
    async ask(script, attempt) {
      began.push(performance.now());
      try {
        return await ask(script, attempt);
      } finally {
        // The one behind it has the shell from now on.
        began.shift();
        if (began.length > 0) began[0] = performance.now();
      }
    },
    close: () => shut(new HostError('host-lost', 'The host was closed.')),
  };
}

function notSent(cause: Error): ControlAnswer {
  return { kind: 'interrupted', cause, wasSent: false };
}
