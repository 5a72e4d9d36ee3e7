#!/usr/bin/env node
// Usage: node tooling/ordinary-user/run.mjs -- <command…>
//
// Runs a command of a package, in that package's folder, without root's rights: confinement that only root's absence makes true
// is otherwise not tested where everything runs as root (containers, CI). Somebody who is no root runs the command as it is.
import { BootstrapError } from '@seedbed/bootstrap/bootstrap-error';
import { handOver } from '@seedbed/bootstrap/hand-over';
import { runAsOrdinaryUser } from './src/run-as-ordinary-user.mjs';

const separator = process.argv.indexOf('--');
const [program, ...args] = process.argv.slice(separator + 1);

try {
  if (separator === -1 || program === undefined) {
    throw new BootstrapError('Usage: node tooling/ordinary-user/run.mjs -- <command…>');
  }
  const cwd = process.cwd();
  const ending =
    process.getuid?.() === 0
      ? await runAsOrdinaryUser([program, ...args], { cwd })
      : await handOver(program, args, { cwd, env: process.env });
  if (ending.signal === null) process.exitCode = ending.code;
  else process.kill(process.pid, ending.signal);
} catch (error) {
  if (!(error instanceof BootstrapError)) throw error;
  process.stderr.write(`ordinary-user: ${error.message}\n`);
  process.exitCode = 1;
}
