import type { CheckedCommand } from '../check-command.ts';
import { hostPath } from '../host-path.ts';
import { shellWord } from '../shell-quoting.ts';
import { findProgram } from './find-program.ts';

/**
 * The command itself or, where it holds bytes that are not UTF-8, a shell that becomes it: Node takes arguments, folder and environment
 * of a child as text only.
 */
export async function byteExactCommand(command: CheckedCommand): Promise<CheckedCommand> {
  const { argv, cwd, env } = command;
  if ([...argv, cwd, ...Object.values(env)].every((text) => text.isWellFormed())) return command;
  // The shell would report a missing program as an exit with code 127.
  await findProgram(command);
  const [plain, odd] = [true, false].map((isWellFormed) =>
    Object.fromEntries(Object.entries(env).filter(([, value]) => value.isWellFormed() === isWellFormed)),
  );
  const exports = Object.entries(odd ?? {}).map(([name, value]) => `export ${name}=${shellWord(value)}`);
  const script = [...exports, `cd ${shellWord(cwd)}`, `exec ${argv.map(shellWord).join(' ')}`].join(' && ');
  return { argv: ['/bin/sh', '-c', script], cwd: hostPath('/'), env: { ...plain } };
}
