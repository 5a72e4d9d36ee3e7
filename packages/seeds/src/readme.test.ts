import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const program = join(import.meta.dirname, '../test/readme-program-child.ts');

test('the program of the README runs, and is the one that is shown', async () => {
  const readme = await readFile(join(import.meta.dirname, '../README.md'), 'utf8');
  expect(readme).toContain(`\`\`\`ts\n${await readFile(program, 'utf8')}\`\`\``);
  const { stdout } = await promisify(execFile)(process.execPath, [program]);
  expect(stdout).toBe('{"account":"ada","token":"two","at":2}\ncaptured, rotated\n');
});
