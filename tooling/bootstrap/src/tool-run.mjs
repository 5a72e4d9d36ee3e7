import { BootstrapError, fileAdvice } from './bootstrap-error.mjs';
import { handOver } from './hand-over.mjs';

/** Of what a tool prints, so much is kept for an error's message; bytes. */
const KEPT_OUTPUT = 64 * 1024;
const SHOWN_LINES = 12;

/** The person, or a program, told us to stop; nothing went wrong. */
export class Interrupted extends Error {
  /** @override */
  name = 'Interrupted';
  /** @param {NodeJS.Signals} signal */
  constructor(signal) {
    super(`Stopped by ${signal}.`);
    this.signal = signal;
  }
}

/**
 * Runs npm or pnpm without a word unless it fails, and returns its standard output. It is given signals and waited for like the command itself.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd: string, env: NodeJS.ProcessEnv, tried: string }} options `tried`: what it is for, as the start of a sentence
 */
export async function runTool(program, args, { cwd, env, tried }) {
  let output = '';
  let answer = '';
  const ending = await handOver(program, args, {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    onSpawn: (child) => {
      for (const stream of [child.stdout, child.stderr]) {
        stream?.setEncoding('utf8').on('data', (text) => {
          output = (output + text).slice(-KEPT_OUTPUT);
          if (stream === child.stdout) answer = (answer + text).slice(-KEPT_OUTPUT);
        });
      }
    },
  });
  if (ending.received !== undefined) throw new Interrupted(ending.received);
  if (ending.code === 0) return answer;
  const ended = ending.signal ?? `exit code ${ending.code}`;
  const lines = output
    .trimEnd()
    .split('\n')
    .slice(-SHOWN_LINES)
    .map((line) => `    ${line}`);
  throw new BootstrapError(`${tried} failed (${ended}). ${advice(output)}\n${lines.join('\n')}`);
}

const NETWORK =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|ERR_PNPM_META_FETCH_FAIL|error sending request|dns error|network/i;
const CERTIFICATE = /SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)|CERT_|certificate/i;

/** @param {string} output */
function advice(output) {
  const disk = fileAdvice(output);
  if (disk !== undefined) return disk;
  if (CERTIFICATE.test(output)) {
    return 'The package registry shows a certificate that npm does not trust: tell npm which to trust (npm config set cafile FILE) and start again.';
  }
  if (/\bE404\b|ETARGET|NO_MATCHING_VERSION/.test(output)) {
    return 'The package registry does not have that version: see whether "npm config get registry" names a complete one.';
  }
  if (/\bE40[13]\b|FETCH_40[13]/.test(output)) {
    return 'The package registry refused access: log in (npm login) and start again.';
  }
  if (/OUTDATED_LOCKFILE/.test(output)) {
    return 'A package.json was changed and the lockfile was not: run "pnpm install" and start again.';
  }
  if (NETWORK.test(output)) {
    return 'The package registry could not be reached: see that "npm ping" works (registry and proxy come from npm\'s configuration) and start again.';
  }
  return 'It printed:';
}
