import { collectBytes } from '../../collect-bytes.ts';
import { HostError } from '../../host-error.ts';
import { shellFailure } from '../files/shell-failure.ts';
import type { ScriptResult } from './control-shell.ts';
import { type Interruption, type RepeatOptions, throughInterruptions } from './interruption.ts';
import { openScript } from './remote-script.ts';
import type { SshLink } from './ssh-link.ts';

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
const MAX_MESSAGE_BYTES = 64 * 1024;

export interface RunScriptOptions extends RepeatOptions {
  /** It may take long: it gets a session of its own, so that nothing waits behind it, and no deadline. */
  readonly slow?: boolean;
}

/** Runs a script that needs no input to its end, whatever that is. */
export async function scriptResult(
  link: SshLink,
  script: string,
  options: RunScriptOptions,
): Promise<ScriptResult> {
  return await throughInterruptions(options, async () => {
    if (options.slow) return await runAlone(link, script, options);
    return await (await link.control()).ask(script, options.attempt);
  });
}

async function runAlone(
  link: SshLink,
  script: string,
  options: RunScriptOptions,
): Promise<{ readonly kind: 'done'; readonly value: ScriptResult } | Interruption> {
  const running = await openScript(link, `say go\n${script}`, options);
  running.channel.end();
  const [stdout, stderr] = await Promise.all([
    collectBytes(running.stdout.stream, { maxBytes: MAX_OUTPUT_BYTES, keep: 'beginning' }).catch(
      (failure: unknown) => {
        if (!running.lost.aborted) throw failure;
      },
    ),
    collectBytes(running.stderr.stream, { maxBytes: MAX_MESSAGE_BYTES, keep: 'end' }).catch(() => undefined),
  ]);
  const exit = await running.exit;
  if (exit.kind === 'lost' || stdout === undefined) {
    const cause = exit.kind === 'lost' ? exit.cause : running.lost.reason;
    return { kind: 'interrupted', cause, wasSent: true };
  }
  if (stdout.truncated) {
    throw new HostError('limit-exceeded', `Could not ${options.attempt}: the host's answer is too long.`);
  }
  const value = {
    stdout: Buffer.from(stdout.bytes),
    stderr: Buffer.from(stderr?.bytes ?? []).toString(),
    code: exit.kind === 'exited' ? exit.code : 128,
  };
  return { kind: 'done', value };
}

/** What a script prints; its failure is that of the file operation that it does. */
export async function scriptOutput(
  link: SshLink,
  script: string,
  options: RunScriptOptions,
): Promise<Buffer> {
  const { stdout, code, stderr } = await scriptResult(link, script, options);
  if (code !== 0) throw shellFailure(options.attempt, stderr);
  return stdout;
}
