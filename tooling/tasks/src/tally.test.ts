import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { TestReport } from '../../vitest/test-report.ts';
import { closingLines, tally } from './tally.ts';
import type { TaskOutcome } from './turbo-run.ts';

function outcome(task: string, ended: TaskOutcome['ended'], cached = false): TaskOutcome {
  return { folder: 'packages/host', packageName: '@seedbed/host', task, ended, cached };
}

const allPassed: TestReport = { passed: 7, failed: [], skipped: [] };
const noReport = (): undefined => undefined;

test('tests of a report are counted, remembered or not, and lint and types count as one each', () => {
  const outcomes = [
    outcome('lint', 'passed'),
    outcome('check', 'passed', true),
    outcome('test', 'passed', true),
  ];
  expect(tally(outcomes, () => allPassed)).toEqual({
    passed: 9,
    failures: [],
    skipped: [],
    services: [],
    cached: 2,
  });
});

test('a test run that fails without a report is one failure, not none', () => {
  expect(tally([outcome('test', 'failed')], noReport).failures).toEqual(['@seedbed/host test']);
});

test('a test run that fails although nothing in its report did is one failure', () => {
  expect(tally([outcome('test', 'failed')], () => allPassed)).toMatchObject({
    passed: 7,
    failures: ['@seedbed/host test'],
  });
});

test('a test run that passes without a report proves nothing and is a failure', () => {
  expect(tally([outcome('test', 'passed')], noReport)).toMatchObject({
    passed: 0,
    failures: ['@seedbed/host test: passed without a report'],
  });
});

test('a task that turbo did not get to is a failure', () => {
  expect(tally([outcome('check', 'not-run')], noReport).failures).toEqual([
    '@seedbed/host check: was not run',
  ]);
});

test('the last line holds the counts and nothing else, and the reasons of skips stand above it', () => {
  const skipped = [
    { test: 'a', reason: 'there is no sshd' },
    { test: 'b', reason: 'there is no sshd' },
  ];
  expect(closingLines({ passed: 3, failures: ['x'], skipped, services: [], cached: 1 }, 4)).toEqual([
    '4 tasks, 1 of them unchanged since an earlier run',
    'failed: x',
    'skipped, there is no sshd:',
    '  a',
    '  b',
    '3 passed, 1 failed, 2 skipped',
  ]);
});

test('what the tests ran against is named once each, directly above the counts', () => {
  const against = (...services: string[]): TestReport => ({ ...allPassed, services });
  const reports = [against('mongod 8.0.13', 'mongo-java-server 1.46.0'), against('mongod 8.0.13'), allPassed];
  const outcomes = reports.map(() => outcome('test', 'passed'));
  const result = tally(outcomes, () => reports.pop());
  expect(closingLines(result, 3).slice(-2)).toEqual([
    'services: mongo-java-server 1.46.0, mongod 8.0.13',
    '21 passed, 0 failed, 0 skipped',
  ]);
});

test('whatever happens, a task that did not pass leaves a failure behind', () => {
  const anyOutcome = fc.record({
    folder: fc.constantFrom('packages/a', 'packages/b'),
    packageName: fc.string(),
    task: fc.constantFrom('lint', 'check', 'test'),
    ended: fc.constantFrom('passed' as const, 'failed' as const, 'not-run' as const),
    cached: fc.boolean(),
  });
  const anyReport = fc.option(
    fc.record({ passed: fc.nat(), failed: fc.array(fc.string()), skipped: fc.constant([]) }),
    { nil: undefined },
  );
  fc.assert(
    fc.property(fc.array(anyOutcome), anyReport, (outcomes, report) => {
      const { failures } = tally(outcomes, () => report);
      expect(failures.length).toBeGreaterThanOrEqual(
        outcomes.filter(({ ended }) => ended !== 'passed').length,
      );
    }),
  );
});
