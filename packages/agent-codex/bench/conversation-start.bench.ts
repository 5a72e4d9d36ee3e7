import { join } from 'node:path';
import {
  type BenchContext,
  type BenchResult,
  type BenchTopic,
  compare,
  median,
  pairedRuns,
} from '@seedbed/bench';
import { createBinaryCache } from '@seedbed/binary-cache';
import { npmRegistrySource } from '@seedbed/binary-cache/npm-registry';
import { type CodexBinary, openCodexConversation } from '../src/index.ts';
import { openBareThread, startBareAppServer } from './bare-app-server.ts';
import { type BenchGround, bareName, openBenchGround, version } from './bench-ground.ts';
import { type CodexLaunch, moveLaunch } from './codex-launch.ts';
import { copyConfig } from './task-copy.ts';

export const topic: BenchTopic = {
  name: 'conversation-start',
  measure: (context) => measureStart(context, { rounds: 11, warmUp: 1 }),
};

interface Case {
  readonly name: string;
  readonly ours: () => Promise<number>;
  readonly bare: () => Promise<number>;
}

/**
 * From the call to the first event, against a bare app-server from its start to the answer of `thread/start`. Both end with a thread that takes a turn.
 * Ours also makes the task's folders, writes its config, and tries the sandbox with commands of its own; the bare one finds its config written.
 */
export async function measureStart(
  context: BenchContext,
  { rounds, warmUp }: { readonly rounds: number; readonly warmUp: number },
): Promise<readonly BenchResult[]> {
  await using ground = await openBenchGround({ replies: [] });
  const results: BenchResult[] = [];
  for (const { name, ours, bare } of cases(ground)) {
    context.progress(name);
    const times = await pairedRuns(ours, bare, { rounds, warmUp, signal: context.signal });
    results.push(
      compare({
        name,
        unit: 'ms',
        better: 'lower',
        ours: median(times.ours),
        alternative: { name: bareName, value: median(times.theirs) },
      }),
    );
  }
  return results;
}

function cases(ground: BenchGround): readonly Case[] {
  const { codex, launch, root, workdir } = ground;
  const cache = createBinaryCache({ sources: [npmRegistrySource()] });
  let tasks = 0;
  const freshTask = (): string => {
    tasks += 1;
    return join(root, `fresh-${tasks}`);
  };
  return [
    {
      name: 'first event, task home used before',
      ours: () => startConversation(ground, workdir, { path: codex }),
      bare: () => startBare(launch),
    },
    {
      name: 'first event, task home used before, binary from the cache',
      ours: () => startConversation(ground, workdir, { cache }),
      bare: () => startBare(launch),
    },
    {
      name: 'first event, new task home',
      ours: () => startConversation(ground, freshTask(), { path: codex }),
      bare: async () => {
        const task = freshTask();
        await copyConfig(workdir, task);
        return await startBare(moveLaunch(launch, workdir, task));
      },
    },
  ];
}

async function startConversation(
  { host, config }: BenchGround,
  workdir: string,
  binary: CodexBinary,
): Promise<number> {
  const began = performance.now();
  await using conversation = await openCodexConversation({ host, workdir, version, binary, config });
  await conversation.events().next();
  return performance.now() - began;
}

async function startBare({ command, thread }: CodexLaunch): Promise<number> {
  const began = performance.now();
  await using server = startBareAppServer(command);
  await openBareThread(server, thread);
  return performance.now() - began;
}
