import { join } from 'node:path';
import type { ViteUserConfig } from 'vitest/config';
import { TestReportWriter } from './test-report-writer.ts';

export interface PackageTestOptions {
  /** Finds or starts a MongoDB server, one for the whole run; see tooling/mongodb-server. */
  readonly mongodb?: boolean;
  /** Modules whose `setup` runs once before all tests. */
  readonly before?: readonly string[];
}

const MONGODB_SETUP = join(import.meta.dirname, '../mongodb-server/src/vitest-setup.ts');
const NUMBERS = join(import.meta.dirname, 'numbers-of-the-day.ts');

/**
 * How the tests of every package run. A package's vitest.config.ts is `export default packageTests(import.meta.dirname)`.
 *
 * Time limits are there to end what hangs, not to judge speed: two packages' tests share two cores.
 * `SEEDBED_WRITABLE` names a folder for reports and caches where the checkout itself cannot be written to (see tooling/ordinary-user).
 */
export function packageTests(packageFolder: string, options: PackageTestOptions = {}): ViteUserConfig {
  const writable = process.env['SEEDBED_WRITABLE'];
  const reports = writable === undefined ? join(packageFolder, '.reports') : join(writable, 'reports');
  const caches = writable ?? join(packageFolder, 'node_modules');
  return {
    root: packageFolder,
    cacheDir: join(caches, '.vite'),
    test: {
      // Unless given it is one for all packages, and of whoever came first: root or the ordinary user.
      fsModuleCachePath: join(caches, '.vitest-cache'),
      include: ['src/**/*.test.ts', 'src/**/*.test.tsx', 'test/**/*.test.ts'],
      setupFiles: [NUMBERS],
      globalSetup: [...(options.before ?? []), ...(options.mongodb === true ? [MONGODB_SETUP] : [])],
      testTimeout: 120_000,
      hookTimeout: 120_000,
      expect: { poll: { timeout: 30_000 } },
      teardownTimeout: 10_000,
      maxWorkers: 2,
      reporters: ['default', new TestReportWriter(join(reports, 'tests.json'))],
    },
  };
}
