import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

it('folds what was logged and sent into what a person should see', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, 'main.ts')]);
  expect(stdout).toMatch(/^idle \[/);
  expect(stdout).toContain("text: 'Hello.'");
});
