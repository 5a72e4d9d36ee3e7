import { collectBytes } from '../collect-bytes.ts';
import { HostError } from '../host-error.ts';
import { openScript, type ScriptOptions } from './remote-script.ts';
import { shellFailure } from './shell-failure.ts';
import type { SshLink } from './ssh-link.ts';

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
const MAX_MESSAGE_BYTES = 64 * 1024;

export interface ScriptResult {
  readonly stdout: Buffer;
  readonly code: number;
  readonly stderr: string;
}

/** Runs a script that needs no input to its end, whatever that is. */
export async function scriptResult(
  link: SshLink,
  script: string,
  options: ScriptOptions,
): Promise<ScriptResult> {
  const running = await openScript(link, `say go\n${script}`, options);
  running.channel.end();
  const [stdout, stderr] = await Promise.all([
    collectBytes(running.stdout.stream, { maxBytes: MAX_OUTPUT_BYTES, keep: 'beginning' }),
    collectBytes(running.stderr.stream, { maxBytes: MAX_MESSAGE_BYTES, keep: 'end' }),
  ]);
  if (stdout.truncated) {
    throw new HostError('limit-exceeded', `Could not ${options.attempt}: the host's answer is too long.`);
  }
  const exit = await running.exit;
  if (exit.kind === 'lost') throw exit.cause;
  return {
    stdout: Buffer.from(stdout.bytes),
    stderr: Buffer.from(stderr.bytes).toString(),
    code: exit.kind === 'exited' ? exit.code : 128,
  };
}

/** What a script prints; its failure is that of the file operation that it does. */
export async function scriptOutput(link: SshLink, script: string, options: ScriptOptions): Promise<Buffer> {
  const { stdout, code, stderr } = await scriptResult(link, script, options);
  if (code !== 0) throw shellFailure(options.attempt, stderr);
  return stdout;
}
