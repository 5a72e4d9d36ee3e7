import {
  type BenchContext,
  type BenchResult,
  type BenchTopic,
  compare,
  median,
  pairedRuns,
} from '@seedbed/bench';
import { run } from '../src/run.ts';
import { runTool } from './open-ssh-client.ts';
import { connect, openSshBenchGround } from './ssh-bench-ground.ts';

export const topic: BenchTopic = {
  name: 'ssh-exec',
  measure: (context) => measureExec(context, { rounds: 30, warmUp: 3 }),
};

/** A command that does nothing, from asking to knowing how it ended, over loopback. */
export async function measureExec(
  { signal, progress }: BenchContext,
  options: { readonly rounds: number; readonly warmUp: number },
): Promise<readonly BenchResult[]> {
  await using ground = await openSshBenchGround();
  const { host, server, client } = ground;
  const timed = async (work: () => Promise<unknown>): Promise<number> => {
    const began = performance.now();
    await work();
    return performance.now() - began;
  };
  const connected = (): Promise<number> => timed(() => run(host, { argv: ['true'] }, { check: true }));
  const fresh = (): Promise<number> =>
    timed(async () => {
      await using own = await connect(server);
      await run(own, { argv: ['true'] }, { check: true });
    });
  const theirs = (over: 'own connection' | 'master') => (): Promise<number> =>
    timed(() => runTool(['ssh', ...client.options(over), client.destination, 'true'], signal));
  const figure = async (
    name: string,
    alternative: string,
    measures: readonly [() => Promise<number>, () => Promise<number>],
  ): Promise<BenchResult> => {
    progress(`${name}, against ${alternative}`);
    const times = await pairedRuns(...measures, { ...options, signal });
    return compare({
      name,
      unit: 'ms',
      better: 'lower',
      ours: median(times.ours),
      alternative: { name: `${alternative}, ${client.version}`, value: median(times.theirs) },
    });
  };
  return [
    await figure('true, connected', 'ssh over a ControlMaster', [connected, theirs('master')]),
    await figure('true, connected', 'ssh with a connection of its own', [
      connected,
      theirs('own connection'),
    ]),
    await figure('connect, true, disconnect', 'ssh with a connection of its own', [
      fresh,
      theirs('own connection'),
    ]),
  ];
}
