import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test.each([
  ['readme-program-child.ts', '{"account":"ada","token":"two","at":2}\ncaptured, rotated\n'],
  ['readme-upkeep-child.ts', 'captured, refreshed; 40 %\n'],
])('the README shows %s, which runs', async (name, output) => {
  const program = join(import.meta.dirname, '../test', name);
  const readme = await readFile(join(import.meta.dirname, '../README.md'), 'utf8');
  expect(readme).toContain(`\`\`\`ts\n${await readFile(program, 'utf8')}\`\`\``);
  const { stdout } = await promisify(execFile)(process.execPath, [program]);
  expect(stdout).toBe(output);
});
