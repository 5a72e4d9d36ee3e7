import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { handOver } from '@seedbed/bootstrap/hand-over';
import { testGround } from './test-ground.ts';
import type { WorkspacePackage } from './workspace.ts';

/** How one task of one package went. */
export interface TaskOutcome {
  /** `packages/host`, or the empty string for the root. */
  readonly folder: string;
  readonly packageName: string;
  readonly task: string;
  readonly ended: 'passed' | 'failed' | 'not-run';
  /** Whether its result was remembered from an earlier run with the same inputs. */
  readonly cached: boolean;
}

export interface TurboRun {
  readonly outcomes: readonly TaskOutcome[];
  /** Of turbo itself: 0, the failing task's code, or `null` when a signal ended it. */
  readonly exitCode: number | null;
  /** The signal that told us to stop meanwhile. */
  readonly interrupted: NodeJS.Signals | undefined;
}

/**
 * Runs tasks with turbo, all of them whatever fails, on at most two at a time, and says how each went.
 * No remote cache, no telemetry. Signals that arrive meanwhile are passed on to turbo.
 */
export async function runTurbo(
  root: string,
  tasks: readonly string[],
  packages: readonly WorkspacePackage[],
): Promise<TurboRun> {
  const summaries = join(root, '.turbo/runs');
  await rm(summaries, { recursive: true, force: true });
  const args = [
    'run',
    ...tasks,
    ...packages.map(({ name }) => `--filter=${name}`),
    '--summarize=true',
    '--continue=always',
    '--concurrency=2',
    '--cache=local:rw',
    '--output-logs=new-only',
    '--log-order=grouped',
    '--env-mode=strict',
  ];
  const env = {
    ...process.env,
    TURBO_TELEMETRY_DISABLED: '1',
    TURBO_NO_UPDATE_NOTIFIER: '1',
    SEEDBED_TEST_GROUND: testGround(process.env),
  };
  const stdio = ['ignore', 'inherit', 'inherit'] as const;
  const ending = await handOver(join(root, 'node_modules/.bin/turbo'), args, {
    cwd: root,
    env,
    stdio: [...stdio],
  });
  return { outcomes: await readOutcomes(summaries), exitCode: ending.code, interrupted: ending.received };
}

interface Summary {
  readonly tasks: readonly {
    readonly taskId: string;
    readonly task: string;
    readonly package: string;
    readonly directory: string;
    readonly command: string;
    readonly cache: { readonly status: string };
    readonly execution?: { readonly exitCode?: number | null; readonly error?: string };
  }[];
}

/** Turbo's own summary of its run; tasks without a command (a package that has no such script) are left out. */
async function readOutcomes(folder: string): Promise<readonly TaskOutcome[]> {
  const [file] = await readdir(folder).catch(() => []);
  if (file === undefined) return [];
  const summary: Summary = JSON.parse(await readFile(join(folder, file), 'utf8'));
  return summary.tasks
    .filter(({ command }) => command !== '' && command !== '<NONEXISTENT>')
    .map((task) => {
      const cached = task.cache.status === 'HIT';
      const code = task.execution?.exitCode;
      const ended = cached || code === 0 ? 'passed' : task.execution === undefined ? 'not-run' : 'failed';
      return { folder: task.directory, packageName: task.package, task: task.task, ended, cached };
    });
}
