import { mkdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { findOnPath } from './npm-client.mjs';
import { runTool } from './tool-run.mjs';

/**
 * The pnpm on PATH when it is of this major version. To ask it takes longer than all the rest of a start,
 * so the answer is remembered with the identity of the file that gave it.
 *
 * @param {string} folder where to remember
 * @param {number} major
 */
export async function findPnpmOnPath(folder, major) {
  const program = findOnPath('pnpm', process.env['PATH'] ?? '');
  if (program === undefined) return undefined;
  const file = realpathSync(program);
  // Corepack's stand-in would go and fetch a pnpm into the user's home.
  if (file.split(sep).includes('corepack')) return undefined;
  const { size, mtimeMs } = statSync(file);
  const identity = JSON.stringify([file, size, mtimeMs]);
  const memory = join(folder, 'pnpm-on-path.json');
  let version = recall(memory, identity);
  if (version === undefined) {
    version = await ask(program);
    remember(memory, { identity, version });
  }
  return Number.parseInt(version, 10) === major ? program : undefined;
}

/**
 * @param {string} memory
 * @param {string} identity
 * @returns {string | undefined}
 */
function recall(memory, identity) {
  try {
    const known = JSON.parse(readFileSync(memory, 'utf8'));
    return known.identity === identity ? String(known.version) : undefined;
  } catch {
    // Nothing remembered, or half of it: ask again.
    return undefined;
  }
}

/**
 * @param {string} memory
 * @param {{ identity: string, version: string }} answer
 */
function remember(memory, answer) {
  try {
    mkdirSync(dirname(memory), { recursive: true });
    writeFileSync(memory, JSON.stringify(answer));
  } catch {
    // A checkout that cannot be written to: what has to be written there for good says so itself.
  }
}

/** @param {string} program */
async function ask(program) {
  try {
    // From a folder without a package.json, whose pinned version pnpm would otherwise become.
    return (
      await runTool(program, ['--version'], {
        cwd: '/',
        env: process.env,
        tried: 'Asking pnpm for its version',
      })
    ).trim();
  } catch {
    // A pnpm that does not even start is as good as none.
    return 'none';
  }
}
