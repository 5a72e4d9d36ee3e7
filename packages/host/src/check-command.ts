import type { Host } from './host.ts';
import { HostError } from './host-error.ts';
import type { HostPath } from './host-path.ts';
import { checkPtySize, checkTime } from './option-values.ts';
import type { Command, SpawnOptions } from './process.ts';

/** A command with all that was left open filled in. */
export interface CheckedCommand {
  readonly argv: readonly [string, ...string[]];
  readonly cwd: HostPath;
  /** The whole environment of the child. */
  readonly env: Readonly<Record<string, string>>;
}

/** @throws {HostError} `invalid-command` for a command that no host can start. */
export function checkCommand(host: Pick<Host, 'env' | 'home'>, command: Command): CheckedCommand {
  const [program] = command.argv;
  if (program === undefined || program === '') throw invalid('it names no program');
  if (program.includes('/') && !program.startsWith('/')) {
    throw invalid(
      `the program ${JSON.stringify(program)} is neither an absolute path nor a name to look up on the PATH`,
    );
  }
  if (command.argv.some((argument) => argument.includes('\0'))) throw invalid('an argument holds a NUL byte');
  const env: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries({ ...host.env, ...command.env })) {
    if (name === '' || name.includes('=') || name.includes('\0')) {
      throw invalid(`${JSON.stringify(name)} cannot be the name of an environment variable`);
    }
    if (value?.includes('\0')) throw invalid(`the environment variable ${name} holds a NUL byte`);
    if (value !== undefined) env[name] = value;
  }
  return { argv: command.argv, cwd: command.cwd ?? host.home, env };
}

/** @throws {HostError} `invalid-config`. */
export function checkSpawnOptions({ pty, graceMs }: SpawnOptions): void {
  checkPtySize(pty);
  checkTime(graceMs, 'graceMs');
}

function invalid(why: string): HostError {
  return new HostError('invalid-command', `Cannot start the command: ${why}.`);
}
