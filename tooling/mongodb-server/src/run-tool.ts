import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** How much of what a tool said stands in the error. */
const TAIL_CHARACTERS = 1_500;

/** What a tool prints. @throws when it fails, with the end of what it said. */
export async function runTool(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly timeoutMs: number },
): Promise<string> {
  try {
    const { stdout } = await execute(program, args, {
      ...(options.cwd !== undefined && { cwd: options.cwd }),
      timeout: options.timeoutMs,
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout;
  } catch (cause) {
    const printed = cause instanceof Error && 'stdout' in cause && 'stderr' in cause ? cause : undefined;
    const said = `${printed?.stdout ?? ''}${printed?.stderr ?? ''}`.trim().slice(-TAIL_CHARACTERS);
    const reason = said === '' ? String(cause) : said;
    throw new Error(`${program} ${args[0] ?? ''} failed: ${reason}`, { cause });
  }
}
