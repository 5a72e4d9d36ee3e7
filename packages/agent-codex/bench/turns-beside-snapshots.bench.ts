import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type BenchContext,
  type BenchResult,
  type BenchTopic,
  compare,
  median,
  pairedRuns,
} from '@seedbed/bench';
import type { Snapshots } from '@seedbed/snapshots';
import { openCodexSession } from '../src/index.ts';
import { openSnapshotStore } from '../test/snapshot-store.ts';
import { type BenchGround, openBenchGround, version } from './bench-ground.ts';

export const topic: BenchTopic = {
  name: 'turns-beside-snapshots',
  measure: (context) =>
    measureTurnsBesideSnapshots(context, { rounds: 5, warmUp: 1, turns: 10, files: 4_000 }),
};

export interface TurnsMeasurement {
  readonly rounds: number;
  readonly warmUp: number;
  /** In a row, one right behind the other. */
  readonly turns: number;
  /** In the workdir, of 4 kB each. A turn changes one of them. */
  readonly files: number;
}

/** Milliseconds. */
interface TurnCost {
  /** By the clock; what is saved behind the last turn is not counted. */
  readonly took: number;
  /** Processor time of this program, the last snapshot included: what a busy machine changes least. */
  readonly worked: number;
}

/** A session of which turns are run in a row, as fast as they end. */
interface MeasuredSession extends AsyncDisposable {
  /** What one turn costs. */
  readonly run: (turns: number) => Promise<TurnCost>;
  readonly saves: () => number;
}

/**
 * How long a turn takes while the one before is saved, against the same without snapshots. Saves begin at once after each turn (`quietMs: 0`), so that every
 * turn but the first runs beside one; and as they are set by default.
 */
export async function measureTurnsBesideSnapshots(
  context: BenchContext,
  { rounds, warmUp, turns, files }: TurnsMeasurement,
): Promise<readonly BenchResult[]> {
  await using stack = new AsyncDisposableStack();
  const ground = stack.use(
    await openBenchGround({
      replies: [
        { steps: [{ type: 'say', text: 'Done.' }], when: { afterTool: 'exec_command' }, times: 'always' },
      ],
      otherwise: [{ type: 'run', command: 'date +%s.%N > folder-7/file-7', yieldMs: 10_000 }],
    }),
  );
  const { snapshots } = stack.use(
    await openSnapshotStore({ kind: 'embedded', folder: join(ground.root, 'store') }),
  );
  const open = async (name: string, saved?: { readonly quietMs?: number }): Promise<MeasuredSession> =>
    stack.use(await openMeasured(ground, { name, files, ...(saved && { saved, snapshots }) }));
  const bare = await open('bare');
  const cases = [
    { name: 'turn, each saved at once', session: await open('at-once', { quietMs: 0 }) },
    { name: 'turn, saved when it is quiet', session: await open('by-default', {}) },
  ];
  const results: BenchResult[] = [];
  for (const { name, session } of cases) {
    context.progress(`${name}: ${turns} turns in a row, ${files} files`);
    const options = { rounds, warmUp, signal: context.signal };
    const times = await pairedRuns(
      () => session.run(turns),
      () => bare.run(turns),
      options,
    );
    context.progress(`${session.saves()} snapshots were made beside them`);
    for (const [what, cost] of costs) {
      results.push(
        compare({
          ...{ name: `${name}${what}`, unit: 'ms', better: 'lower', ours: median(times.ours.map(cost)) },
          alternative: { name: 'the same without snapshots', value: median(times.theirs.map(cost)) },
        }),
      );
    }
  }
  return results;
}

const costs = [
  ['', ({ took }: TurnCost) => took],
  ['; processor time of this program', ({ worked }: TurnCost) => worked],
] as const;

interface MeasuredOptions {
  readonly name: string;
  readonly files: number;
  readonly snapshots?: Snapshots;
  readonly saved?: { readonly quietMs?: number };
}

async function openMeasured(
  { host, root, codex, config }: BenchGround,
  { name, files, snapshots, saved }: MeasuredOptions,
): Promise<MeasuredSession> {
  const workdir = join(root, name);
  await plantFiles(workdir, files);
  let saves = 0;
  let failed: unknown;
  const kept = snapshots && {
    ...{ store: snapshots, ...saved },
    onSaved() {
      saves += 1;
    },
    onSaveFailed(failure: unknown) {
      failed ??= failure;
    },
  };
  const session = await openCodexSession({
    ...{ host, workdir, version, config, task: name, binary: { path: codex } },
    ...(kept && { snapshots: kept }),
  });
  return {
    saves: () => saves,
    async run(turns) {
      const began = performance.now();
      const cpuBefore = process.cpuUsage();
      for (let turn = 0; turn < turns; turn += 1) {
        const { outcome } = await session.conversation.run('Change a file.');
        if (outcome.status !== 'completed') throw new Error(`A turn ended as ${JSON.stringify(outcome)}.`);
      }
      const took = performance.now() - began;
      if (kept !== undefined) await session.snapshot();
      if (failed !== undefined) throw failed;
      const { user, system } = process.cpuUsage(cpuBefore);
      return { took: took / turns, worked: (user + system) / 1_000 / turns };
    },
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}

async function plantFiles(workdir: string, files: number): Promise<void> {
  for (let number = 0; number < files; number += 1) {
    const folder = join(workdir, `folder-${number % 40}`);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `file-${number}`), `${number} `.repeat(4_096).slice(0, 4_096));
  }
}
