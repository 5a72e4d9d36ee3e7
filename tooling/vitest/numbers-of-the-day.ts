import { readFile } from 'node:fs/promises';
import { expect } from 'vitest';

const DAY_MS = 86_400_000;

/**
 * Property tests draw other examples each day, and the same ones all day: what failed in one run can be seen in the next.
 * `SEEDBED_PROPERTY_SEED` draws others. A test file that has none is not made to load the library.
 */
const { testPath } = expect.getState();
if (testPath !== undefined && (await readFile(testPath, 'utf8')).includes("from 'fast-check'")) {
  const { configureGlobal } = await import('fast-check');
  configureGlobal({ seed: Number(process.env['SEEDBED_PROPERTY_SEED'] ?? Math.floor(Date.now() / DAY_MS)) });
}
