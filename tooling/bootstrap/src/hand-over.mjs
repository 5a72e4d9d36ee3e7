import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { explainFileError } from './bootstrap-error.mjs';

/** Sent by a terminal to every process in its foreground; the child then has it already. */
const FROM_TERMINAL = /** @type {const} */ (['SIGINT', 'SIGQUIT', 'SIGHUP']);
const FROM_PROCESSES = /** @type {const} */ (['SIGTERM', 'SIGUSR2']);

/**
 * How the program ended, and the first signal that we got meanwhile.
 *
 * @typedef {({ code: number, signal: null } | { code: null, signal: NodeJS.Signals }) & { received: NodeJS.Signals | undefined }} Ending
 */

/**
 * Runs a program in this process's place: it has our standard input and output, gets every signal once, and its ending is returned.
 * We wait for it whatever signal we get ourselves.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd: string, env: NodeJS.ProcessEnv, stdio?: import('node:child_process').StdioOptions, onSpawn?: (child: import('node:child_process').ChildProcess) => void }} options
 * @returns {Promise<Ending>}
 */
export function handOver(program, args, { cwd, env, stdio = 'inherit', onSpawn }) {
  return new Promise((resolve, reject) => {
    /** @type {import('node:child_process').ChildProcess | undefined} */
    let child;
    /** @type {NodeJS.Signals[]} */
    const early = [];
    /** @type {NodeJS.Signals | undefined} */
    let received;
    const pass = (/** @type {NodeJS.Signals} */ signal) => {
      received ??= signal;
      if (child === undefined) early.push(signal);
      else child.kill(signal);
    };
    const passUnlessFromTerminal = (/** @type {NodeJS.Signals} */ signal) => {
      if (inForegroundOfTerminal()) received ??= signal;
      else pass(signal);
    };
    const forget = () => {
      for (const signal of FROM_TERMINAL) process.off(signal, passUnlessFromTerminal);
      for (const signal of FROM_PROCESSES) process.off(signal, pass);
    };
    for (const signal of FROM_TERMINAL) process.on(signal, passUnlessFromTerminal);
    for (const signal of FROM_PROCESSES) process.on(signal, pass);

    child = spawn(program, args, { cwd, env, stdio });
    onSpawn?.(child);
    for (const signal of early) child.kill(signal);
    child.once('error', (error) => {
      forget();
      reject(explainFileError(error, `Starting ${program}`));
    });
    child.once('close', (code, signal) => {
      forget();
      if (signal !== null) resolve({ code: null, signal, received });
      else resolve({ code: code ?? 1, signal: null, received });
    });
  });
}

/**
 * Whether a terminal sends its signals to this process and, as it is in the same group, to the child.
 * Linux says so exactly (proc(5): the terminal's foreground group is ours). Elsewhere a terminal on a standard stream is taken for it.
 */
function inForegroundOfTerminal() {
  if (process.platform !== 'linux') {
    return Boolean(process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY);
  }
  const stat = readFileSync('/proc/self/stat', 'utf8');
  // The second field, the name, is in parentheses and may hold anything.
  const [, , group, , terminal, foregroundGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return terminal !== '0' && group === foregroundGroup;
}
