import { expect } from 'vitest';
import type { Host } from '../src/host.ts';
import { run } from '../src/run.ts';

/** The guard is the one among the children of this connection's server that has a child with a child that sleeps for a minute. */
const FIND_GUARDS = `parent() { set -- $(cat "/proc/$1/stat" 2>/dev/null); echo "$4"; }
for f in /proc/[0-9]*/cmdline; do
  if [ "$(tr '\\0' ' ' <"$f" 2>/dev/null)" = 'sleep 60 ' ]; then
    p=\${f#/proc/}; g=$(parent "$(parent "\${p%/*}")")
    if [ "$(parent "$g")" = "$PPID" ]; then echo "$g"; fi
  fi
done`;

async function findGuards(host: Host): Promise<readonly number[]> {
  const { stdout } = await run(host, { argv: ['sh', '-c', FIND_GUARDS] });
  return stdout.trim().split('\n').filter(Boolean).map(Number);
}

/** Waits until the host's one connection has a guard that knows what it is to protect, and gives its number. */
export async function whenGuarded(host: Host): Promise<number> {
  await expect.poll(() => findGuards(host)).toHaveLength(1);
  // What it was told when it had started is there before this question, which goes the same way.
  const [guard] = await findGuards(host);
  return Number(guard);
}
