#!/usr/bin/env node
// Usage: node tooling/bootstrap/run.mjs <demo|test|check|build|bench|format> [args…]
//
// Needs nothing but Node >= 18 and npm, so it is plain JavaScript without dependencies. It finds or fetches Node 24 and pnpm,
// installs what the lockfile says when that changed, and hands over to the command.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BootstrapError } from './src/bootstrap-error.mjs';
import { findCommand } from './src/command.mjs';
import { installDependencies } from './src/dependencies.mjs';
import { handOver } from './src/hand-over.mjs';
import { Interrupted } from './src/tool-run.mjs';
import { findToolchain } from './src/toolchain.mjs';
import { toolchainEnvironment } from './src/toolchain-environment.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '');

async function main() {
  const [name, ...args] = process.argv.slice(2);
  const command = findCommand(root, name, args);
  const announce = (/** @type {string} */ line) => process.stderr.write(`seedbed: ${line}\n`);
  const toolchain = await findToolchain(root, announce);
  const env = toolchainEnvironment(toolchain, process.env);
  await installDependencies({ root, toolchain, env, announce });
  return await handOver(toolchain.node, [join(root, command.program), ...command.args], { cwd: root, env });
}

try {
  const ending = await main();
  if (ending.signal === null) process.exitCode = ending.code;
  // Ends this process as the child ended, so that the caller sees the same signal.
  else process.kill(process.pid, ending.signal);
} catch (error) {
  if (error instanceof Interrupted) process.kill(process.pid, error.signal);
  else if (error instanceof BootstrapError) {
    process.stderr.write(`seedbed: ${error.message}\n`);
    process.exitCode = 1;
  } else throw error;
}
