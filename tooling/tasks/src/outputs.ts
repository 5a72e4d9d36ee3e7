import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestReport } from '../../vitest/test-report.ts';

const REPORTS = '.reports';

/**
 * Removes what tasks of earlier runs left in these packages: reports, so that what is there after a run is of that run,
 * and builds, so that nothing whose source is gone stays in them. Turbo lays remembered ones down again.
 */
export function removeOutputs(root: string, folders: readonly string[]): void {
  for (const folder of folders) {
    for (const output of [REPORTS, 'dist'])
      rmSync(join(root, folder, output), { recursive: true, force: true });
  }
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
