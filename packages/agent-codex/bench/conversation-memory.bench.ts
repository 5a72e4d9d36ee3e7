import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import {
  type BenchContext,
  type BenchResult,
  type BenchTopic,
  compare,
  median,
  pairedRuns,
} from '@seedbed/bench';
import { bareName, openBenchGround } from './bench-ground.ts';
import type { Memory, MemoryTask } from './idle-conversations-program.ts';

export const topic: BenchTopic = {
  name: 'conversation-memory',
  measure: (context) => measureMemory(context, { rounds: 3, conversations: 24 }),
};

/** What a program grows by with each conversation that is open and idle; Codex's own memory is not in it. */
export async function measureMemory(
  context: BenchContext,
  { rounds, conversations }: { readonly rounds: number; readonly conversations: number },
): Promise<readonly BenchResult[]> {
  await using ground = await openBenchGround({ replies: [] });
  const { codex, config, launch, root, workdir } = ground;
  const { signal } = context;
  let runs = 0;
  const measure = async (side: MemoryTask['side']): Promise<Memory> => {
    runs += 1;
    context.progress(`${conversations} conversations, run ${runs}`);
    const folder = `${root}/memory-${runs}`;
    return await runProgram({ side, conversations, folder, codex, config, launch, workdir }, signal);
  };
  const { ours, theirs } = await pairedRuns(
    () => measure('ours'),
    () => measure('bare'),
    { rounds, warmUp: 0, signal },
  );
  const figure = (name: string, of: (memory: Memory) => number): BenchResult =>
    compare({
      name,
      unit: 'MB',
      better: 'lower',
      ours: median(ours.map(of)),
      alternative: { name: bareName, value: median(theirs.map(of)) },
    });
  return [
    figure('heap per idle conversation', ({ heapMb }) => heapMb),
    figure('resident memory per idle conversation', ({ residentMb }) => residentMb),
  ];
}

/** In a process of its own, which can collect its garbage and holds nothing else. */
async function runProgram(task: MemoryTask, signal: AbortSignal): Promise<Memory> {
  const program = fileURLToPath(new URL('./idle-conversations-program.ts', import.meta.url));
  const child = spawn(process.execPath, ['--expose-gc', program, JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    signal,
  });
  return JSON.parse(await text(child.stdout));
}
