import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestReport } from '../../vitest/test-report.ts';

const REPORTS = '.reports';

/** Removes the reports of earlier runs, so that what is there after a run is of that run: turbo lays remembered ones down again. */
export function removeReports(root: string, folders: readonly string[]): void {
  for (const folder of folders) rmSync(join(root, folder, REPORTS), { recursive: true, force: true });
}

/** The report that the tests of a package wrote; `undefined` when there is none, or half a one. */
export function readReport(root: string, folder: string): TestReport | undefined {
  try {
    return JSON.parse(readFileSync(join(root, folder, REPORTS, 'tests.json'), 'utf8'));
  } catch {
    // Not written: the tally tells what that means.
    return undefined;
  }
}
