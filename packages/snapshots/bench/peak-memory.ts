import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';

const LOOK_MS = 20;
const BYTES_PER_KB = 1_024;

/** The most memory that a program had at once until it ended, in megabytes; as Linux counts it. */
export async function peakMemory(
  argv: readonly [string, ...string[]],
  { signal, env = {} }: { readonly signal: AbortSignal; readonly env?: Readonly<Record<string, string>> },
): Promise<number> {
  const [program, ...args] = argv;
  const child = spawn(program, args, {
    signal,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ...env },
  });
  const ended = once(child, 'close');
  let most = 0;
  const timer = setInterval(async () => {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '');
    most = Math.max(most, Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0));
  }, LOOK_MS);
  try {
    const [code] = await ended;
    if (code !== 0) throw new Error(`${argv.join(' ')} exited with ${code}.`);
    return (most * BYTES_PER_KB) / 1e6;
  } finally {
    clearInterval(timer);
  }
}
