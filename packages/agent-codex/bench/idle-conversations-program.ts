/** Opens conversations and prints what each takes in this process, as a {@link Memory}. Wants `node --expose-gc`. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type HostPath, hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { openCodexConversation } from '../src/index.ts';
import type { ProviderConfig } from '../src/testing/index.ts';
import { openBareThread, startBareAppServer } from './bare-app-server.ts';
import { version } from './bench-ground.ts';
import { type CodexLaunch, moveLaunch } from './codex-launch.ts';
import { copyConfig } from './task-copy.ts';

export interface MemoryTask {
  readonly side: 'ours' | 'bare';
  readonly conversations: number;
  /** For the tasks. */
  readonly folder: string;
  readonly codex: HostPath;
  readonly config: ProviderConfig;
  readonly launch: CodexLaunch;
  /** Where `launch` happened. */
  readonly workdir: string;
}

/** For each conversation, in MB of 1,000,000 bytes: what JavaScript holds, buffers included; and what the system counts for the process. */
export interface Memory {
  readonly heapMb: number;
  readonly residentMb: number;
}

const task: MemoryTask = JSON.parse(process.argv[2] ?? '');
await using host = createLocalHost();
await using stack = new AsyncDisposableStack();

async function open(number: number): Promise<AsyncDisposable> {
  const workdir = join(task.folder, String(number));
  if (task.side === 'ours') {
    const { codex, config } = task;
    return await openCodexConversation({ host, workdir, version, binary: { path: hostPath(codex) }, config });
  }
  await copyConfig(task.workdir, workdir);
  const { command, thread } = moveLaunch(task.launch, task.workdir, workdir);
  const server = startBareAppServer(command);
  await openBareThread(server, thread);
  return server;
}

/** After what the conversations said on their own has come. */
async function used(): Promise<Memory> {
  await delay(300);
  for (let pass = 0; pass < 3; pass += 1) {
    globalThis.gc?.();
    await delay(20);
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heapMb: (heapUsed + external) / 1e6, residentMb: rss / 1e6 };
}

// The first one brings the code with it.
await (await open(0))[Symbol.asyncDispose]();
const before = await used();
for (let number = 1; number <= task.conversations; number += 1) stack.use(await open(number));
const after = await used();
const each = (of: keyof Memory): number => (after[of] - before[of]) / task.conversations;
process.stdout.write(JSON.stringify({ heapMb: each('heapMb'), residentMb: each('residentMb') }));
