/** What a run of one package's tests came to: written by {@link TestReportWriter}, added up by tooling/tasks. */
export interface TestReport {
  readonly passed: number;
  /** Tests that failed or never finished, and files, suites or loose promises that failed on their own. */
  readonly failed: readonly string[];
  readonly skipped: readonly SkippedTest[];
  /** What the tests ran against, by name and version: `mongo-java-server 1.46.0`. */
  readonly services?: readonly string[];
}

export interface SkippedTest {
  readonly test: string;
  /** What the test said when it skipped itself; tests are asked to say it: `context.skip('there is no sshd')`. */
  readonly reason: string;
}
