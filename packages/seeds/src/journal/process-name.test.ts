import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { isAlive, ownProcessName } from './process-name.ts';

const SOURCE = join(import.meta.dirname, 'process-name.ts');
const SAY_NAME = `const { ownProcessName } = await import(process.argv[1]);
console.log(ownProcessName());
process.stdin.resume();`;

test('this process is alive, and another one that has its number later is not it', () => {
  const name = ownProcessName();
  expect(isAlive(name)).toBe(true);
  expect(isAlive(`${name}1`)).toBe(false);
  expect(isAlive('0-0')).toBe(false);
});

test('a process that has ended is not alive, although its parent never asks about it', async () => {
  // The shell becomes a program that knows nothing of its child. What it starts beside itself would have nothing to read: its input has to have another number.
  const script = 'exec 3<&0; "$0" --input-type=module -e "$1" "$2" <&3 & exec sleep 600';
  const parent = spawn('sh', ['-c', script, process.execPath, SAY_NAME, SOURCE]);
  try {
    const [name]: string[] = await once(createInterface(parent.stdout), 'line');
    if (name === undefined) throw new Error('The program did not say its name.');
    expect(isAlive(name)).toBe(true);
    parent.stdin.end();
    await expect
      .poll(() => readFileSync(`/proc/${Number.parseInt(name, 10)}/stat`, 'latin1'))
      .toContain(') Z ');
    expect(isAlive(name)).toBe(false);
  } finally {
    parent.kill('SIGKILL');
  }
});
