import type { SkippedTest, TestReport } from '../../vitest/test-report.ts';
import type { TaskOutcome } from './turbo-run.ts';

/** What a whole run came to. */
export interface Tally {
  readonly passed: number;
  /** One line for each failure: the task, and the test where a report names it. */
  readonly failures: readonly string[];
  readonly skipped: readonly SkippedTest[];
  /** What tests ran against, each once. */
  readonly services: readonly string[];
  /** Tasks whose result was remembered. */
  readonly cached: number;
}

/**
 * Adds up tasks and the tests in their reports. A task that is no test run (lint, types) counts as one test;
 * so does a test run that failed without a report, or with a report in which nothing failed.
 *
 * @param reportOf the report of a package's test run, by its folder
 */
export function tally(
  outcomes: readonly TaskOutcome[],
  reportOf: (folder: string) => TestReport | undefined,
): Tally {
  let passed = 0;
  const failures: string[] = [];
  const skipped: SkippedTest[] = [];
  const services = new Set<string>();
  for (const outcome of outcomes) {
    const label = `${outcome.packageName === '//' ? 'repository' : outcome.packageName} ${outcome.task}`;
    const report = outcome.task === 'test' ? reportOf(outcome.folder) : undefined;
    const failed = (report?.failed ?? []).map((test) => `${label}: ${test}`);
    if (outcome.ended !== 'passed' && failed.length === 0) {
      failed.push(outcome.ended === 'failed' ? label : `${label}: was not run`);
    }
    if (report === undefined && outcome.task === 'test' && outcome.ended === 'passed') {
      failed.push(`${label}: passed without a report`);
    }
    failures.push(...failed);
    for (const service of report?.services ?? []) services.add(service);
    if (report !== undefined) passed += report.passed;
    else if (failed.length === 0) passed += 1;
    skipped.push(
      ...(report?.skipped ?? []).map(({ test, reason }) => ({ test: `${label}: ${test}`, reason })),
    );
  }
  const cached = outcomes.filter((outcome) => outcome.cached).length;
  return { passed, failures, skipped, services: [...services].sort(), cached };
}

/** The last lines of a run: what failed, what was skipped and why, what the tests ran against, and alone on the last line the counts. */
export function closingLines(
  { passed, failures, skipped, services, cached }: Tally,
  tasks: number,
): readonly string[] {
  const byReason = Map.groupBy(skipped, ({ reason }) => reason);
  return [
    `${tasks} tasks, ${cached} of them unchanged since an earlier run`,
    ...failures.map((failure) => `failed: ${failure}`),
    ...[...byReason].flatMap(([reason, tests]) => [
      `skipped, ${reason}:`,
      ...tests.map(({ test }) => `  ${test}`),
    ]),
    ...(services.length > 0 ? [`services: ${services.join(', ')}`] : []),
    `${passed} passed, ${failures.length} failed, ${skipped.length} skipped`,
  ];
}
