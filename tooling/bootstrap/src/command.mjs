import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BootstrapError } from './bootstrap-error.mjs';

/**
 * What each command runs, relative to the root of the repository. All of it is for Node 24.
 *
 * @type {Readonly<Record<string, { program: string, args: readonly string[] }>>}
 */
const COMMANDS = {
  demo: { program: 'apps/demo/src/main.ts', args: [] },
  test: { program: 'tooling/tasks/src/main.ts', args: ['test'] },
  check: { program: 'tooling/tasks/src/main.ts', args: ['check'] },
  build: { program: 'tooling/tasks/src/main.ts', args: ['build'] },
  bench: { program: 'tooling/bench/src/main.ts', args: [] },
  format: { program: 'node_modules/@biomejs/biome/bin/biome', args: ['check', '--write', '.'] },
};

/**
 * @param {string} root
 * @param {string | undefined} name
 * @param {readonly string[]} args
 * @returns {{ program: string, args: string[] }}
 */
export function findCommand(root, name, args) {
  const command = name === undefined || !Object.hasOwn(COMMANDS, name) ? undefined : COMMANDS[name];
  if (command === undefined) {
    const known = Object.keys(COMMANDS).join(', ');
    throw new BootstrapError(`There is no command ${JSON.stringify(name ?? '')}. There are: ${known}.`);
  }
  if (!command.program.startsWith('node_modules/') && !existsSync(join(root, command.program))) {
    throw new BootstrapError(`"${name}" needs ${command.program}, and this checkout does not have it.`);
  }
  return { program: command.program, args: [...command.args, ...args] };
}
