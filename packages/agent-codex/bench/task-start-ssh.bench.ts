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
import type { Host } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { openSshd, type TestSshd } from '@seedbed/host/testing';
import { openCodexConversation } from '../src/index.ts';
import { connectTo } from '../test/ssh-place.ts';
import { type BenchGround, openBenchGround, version } from './bench-ground.ts';

export const topic: BenchTopic = {
  name: 'task-start-ssh',
  measure: (context) => measureStartThroughSsh(context, { rounds: 11, warmUp: 2 }),
};

/** A place where a task is started, opened anew or kept. */
type Reach = () => Promise<{ readonly host: Host } & AsyncDisposable>;

/**
 * From the call to the first event, on this machine through a real sshd on loopback, against the same without SSH. Cold is with everything that
 * belongs to it: connecting, looking for the binary in the cache, and a new home.
 */
export async function measureStartThroughSsh(
  context: BenchContext,
  { rounds, warmUp }: { readonly rounds: number; readonly warmUp: number },
): Promise<readonly BenchResult[]> {
  await using stack = new AsyncDisposableStack();
  const ground = stack.use(await openBenchGround({ replies: [] }));
  const sshd = stack.use(await openSshd());
  const connected = stack.use(await connectTo(sshd));
  const results: BenchResult[] = [];
  for (const { name, through, beside } of cases(ground, sshd, connected)) {
    context.progress(name);
    const times = await pairedRuns(through, beside, { rounds, warmUp, signal: context.signal });
    results.push(
      compare({
        name,
        unit: 'ms',
        better: 'lower',
        ours: median(times.ours),
        alternative: { name: 'the same without SSH', value: median(times.theirs) },
      }),
    );
  }
  return results;
}

interface Case {
  readonly name: string;
  readonly through: () => Promise<number>;
  readonly beside: () => Promise<number>;
}

function cases(ground: BenchGround, sshd: TestSshd, connected: Host): readonly Case[] {
  const { root, workdir } = ground;
  const kept =
    (host: Host): Reach =>
    async () => ({ host, [Symbol.asyncDispose]: async () => undefined });
  const opened =
    (open: () => Promise<Host>): Reach =>
    async () => {
      const host = await open();
      return { host, [Symbol.asyncDispose]: async () => await host[Symbol.asyncDispose]() };
    };
  let tasks = 0;
  const freshTask = (): string => {
    tasks += 1;
    return join(root, `through-ssh-${tasks}`);
  };
  return [
    {
      name: 'warm start: host connected, task home used before',
      through: () => start(ground, kept(connected), workdir),
      beside: () => start(ground, kept(ground.host), workdir),
    },
    {
      name: 'cold start: host not connected, new task home',
      through: () =>
        start(
          ground,
          opened(() => connectTo(sshd)),
          freshTask(),
        ),
      beside: () =>
        start(
          ground,
          opened(async () => createLocalHost()),
          freshTask(),
        ),
    },
  ];
}

async function start({ config }: BenchGround, reach: Reach, workdir: string): Promise<number> {
  const cache = createBinaryCache({ sources: [npmRegistrySource()] });
  const began = performance.now();
  await using place = await reach();
  const { host } = place;
  await using conversation = await openCodexConversation({
    host,
    workdir,
    version,
    binary: { cache },
    config,
  });
  await conversation.events().next();
  return performance.now() - began;
}
