// Usage: npm run demo [-- options], or node apps/demo/src/main.ts [options]. --help says more.
import { AgentCodexError } from '@seedbed/agent-codex';
import { BinaryCacheError } from '@seedbed/binary-cache';
import { HostError } from '@seedbed/host';
import { SandboxPolicyError } from '@seedbed/sandbox-policy';
import { helpText, parseCommandLine } from './command-line.ts';
import { readDemoEnvironment } from './demo-environment.ts';
import { DemoError } from './demo-error.ts';
import { runDemo } from './run-demo.ts';
import { listenForStop } from './stop-signals.ts';
import { createPage } from './terminal/page.ts';

async function main(): Promise<number> {
  const environment = readDemoEnvironment(process.env, process.cwd());
  const page = createPage(process.stdout, environment);
  using stop = listenForStop((code) => process.exit(code));
  // Whoever read our output has left (`| head`, a closed terminal): nobody is there any more to be told anything.
  process.stdout.on('error', (error) => stop.stop(1, error));
  try {
    const commandLine = parseCommandLine(process.argv.slice(2));
    if (commandLine.help) {
      process.stdout.write(helpText);
      return 0;
    }
    const fixed = await runDemo({
      commandLine,
      environment,
      page,
      keyboard: process.stdin.isTTY && process.stdout.isTTY ? process.stdin : undefined,
      signal: stop.signal,
    });
    if (stop.exitCode !== undefined) page.block('Stopped. Codex has ended.');
    return stop.exitCode ?? (fixed ? 0 : 1);
  } catch (error) {
    if (stop.exitCode !== undefined) {
      page.block('Stopped.');
      return stop.exitCode;
    }
    page.clearStatus();
    return explain(error);
  }
}

/** Says what went wrong, on standard error, and gives the exit code for it. What nobody expected keeps its stack. */
function explain(error: unknown): number {
  const page = createPage(process.stderr);
  if (error instanceof DemoError) {
    page.block(error.message);
    return 2;
  }
  const expected = [AgentCodexError, BinaryCacheError, HostError, SandboxPolicyError];
  if (!expected.some((kind) => error instanceof kind) || !(error instanceof Error)) throw error;
  page.block(error.message, { mark: '! ', style: 'red', markStyle: 'red' });
  if (error instanceof SandboxPolicyError && nothingRuns(error)) {
    page.block('Here that is said with: npm run demo -- --sandbox external', { mark: '  ' });
  }
  return 1;
}

/** Whether the sandbox could not be set up at all, as where there are no user namespaces. */
function nothingRuns({ report }: SandboxPolicyError): boolean {
  return (
    report?.checks.some(({ subject, observed }) => subject === 'command' && observed === 'denied') ?? false
  );
}

process.exitCode = await main();
