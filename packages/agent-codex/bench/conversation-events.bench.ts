import { join } from 'node:path';
import {
  type BenchContext,
  type BenchResult,
  type BenchTopic,
  compare,
  median,
  type PairedOptions,
  pairedRuns,
  quantile,
} from '@seedbed/bench';
import { type HostPath, hostPath } from '@seedbed/host';
import { type OpenedCodexConversation, openCodexConversation } from '../src/index.ts';
import { openBareThread, runBareTurn, startBareAppServer } from './bare-app-server.ts';
import { type BenchGround, bareName, observeTask, openBenchGround, version } from './bench-ground.ts';
import { recordTurn, writeRecordedCodex } from './recorded-codex.ts';

export const topic: BenchTopic = {
  name: 'conversation-events',
  measure: (context) => measureEvents(context, { rounds: 7, warmUp: 1, deltas: 20_000, trickled: 1_000 }),
};

export interface EventsMeasurement {
  readonly rounds: number;
  readonly warmUp: number;
  /** In a turn whose events per second are counted. */
  readonly deltas: number;
  /** In a turn whose events are looked at one by one. */
  readonly trickled: number;
}

/** What one turn looked like to a reader: when it saw each delta, and the text of it. */
interface SeenDelta {
  /** Nanoseconds, on the clock that all processes of a machine share. A number holds 104 days of them. */
  readonly at: number;
  readonly text: string;
}

const nanoseconds = (): number => Number(process.hrtime.bigint());

/** Two readers of the same kind of turn, opened once and used for every round. */
interface Readers extends AsyncDisposable {
  readonly ours: (text: string) => Promise<readonly SeenDelta[]>;
  readonly bare: (text: string) => Promise<readonly SeenDelta[]>;
}

/**
 * Events per second with the real Codex, which sets the pace, and with a recorded turn that comes as fast as a pipe takes it, which shows our own ceiling;
 * and how long a single event is under way, from its writing in another process to its reader here.
 */
export async function measureEvents(
  context: BenchContext,
  { rounds, warmUp, deltas, trickled }: EventsMeasurement,
): Promise<readonly BenchResult[]> {
  await using ground = await openBenchGround({
    replies: [{ steps: [{ type: 'deltas', count: deltas, text: 'word ' }], times: 'always' }],
  });
  const options = { rounds, warmUp, signal: context.signal };
  const results: BenchResult[] = [];
  {
    context.progress(`${deltas} deltas of the real Codex`);
    await using readers = await openReaders(ground, { codex: ground.codex });
    results.push(await rate(readers, `rate of ${deltas} deltas`, options));
  }
  // A recording has no sandbox that could be tried.
  const sandbox = { mode: 'external', approvals: 'on-request' };
  const recording = await recordTurn(await observeTask(ground, sandbox), 'flood');
  const codex = await writeRecordedCodex(join(ground.root, 'recorded'), recording);
  await using readers = await openReaders(ground, { codex: hostPath(codex), sandbox });
  context.progress(`${deltas} recorded deltas`);
  results.push(await rate(readers, `rate of ${deltas} deltas, recorded, at the pipe's pace`, options));
  context.progress(`${trickled} deltas, one a millisecond`);
  results.push(...(await latency(readers, trickled, options)));
  return results;
}

async function rate({ ours, bare }: Readers, name: string, options: PairedOptions): Promise<BenchResult> {
  const perSecond = async (turn: Promise<readonly SeenDelta[]>): Promise<number> => {
    const seen = await turn;
    const [first, last] = [seen.at(0), seen.at(-1)];
    if (first === undefined || last === undefined) throw new Error('The turn brought no deltas.');
    return (seen.length * 1e9) / (last.at - first.at);
  };
  const runs = await pairedRuns(
    () => perSecond(ours('flood')),
    () => perSecond(bare('flood')),
    options,
  );
  return compare({
    name,
    unit: 'events/s',
    better: 'higher',
    ours: median(runs.ours),
    alternative: { name: bareName, value: median(runs.theirs) },
  });
}

/** Every delta says when it was written. Percentiles are of one turn; the median of the rounds is given. */
async function latency(
  { ours, bare }: Readers,
  count: number,
  options: PairedOptions,
): Promise<BenchResult[]> {
  const underWay = async (turn: Promise<readonly SeenDelta[]>): Promise<readonly number[]> =>
    (await turn).map(({ at, text }) => (at - Number(text)) / 1e6);
  const runs = await pairedRuns(
    () => underWay(ours(`trickle ${count}`)),
    () => underWay(bare(`trickle ${count}`)),
    options,
  );
  const figure = (all: readonly (readonly number[])[], part: number): number =>
    median(all.map((one) => quantile(one, part)));
  return [0.5, 0.99].map((part) =>
    compare({
      name: `written to read, p${part * 100}`,
      unit: 'ms',
      better: 'lower',
      ours: figure(runs.ours, part),
      alternative: { name: bareName, value: figure(runs.theirs, part) },
    }),
  );
}

async function openReaders(
  ground: BenchGround,
  { codex, ...sandbox }: { readonly codex: HostPath; readonly sandbox?: unknown },
): Promise<Readers> {
  await using stack = new AsyncDisposableStack();
  const conversation = stack.use(
    await openCodexConversation({
      host: ground.host,
      workdir: ground.workdir,
      version,
      binary: { path: codex },
      config: ground.config,
      ...sandbox,
    }),
  );
  const { command, thread } = ground.launch;
  const server = stack.use(startBareAppServer({ ...command, argv: [codex, ...command.argv.slice(1)] }));
  const { threadId } = await openBareThread(server, thread);
  const opened = stack.move();
  const ours = readOurs(conversation);
  return {
    ours,
    async bare(text) {
      const seen: SeenDelta[] = [];
      await runBareTurn(server, { threadId, text }, ({ method, params }) => {
        if (method !== 'item/agentMessage/delta') return;
        seen.push({ at: nanoseconds(), text: String(params?.['delta']) });
      });
      return seen;
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

function readOurs(conversation: OpenedCodexConversation): Readers['ours'] {
  let fromSeq = 1;
  return async (text) => {
    const seen: SeenDelta[] = [];
    const turn = conversation.run(text);
    for await (const { msg, seq } of conversation.events({ fromSeq })) {
      fromSeq = seq + 1;
      if (msg.type === 'message-delta') seen.push({ at: nanoseconds(), text: msg.text });
      if (msg.type === 'turn-completed') break;
    }
    await turn;
    return seen;
  };
}
