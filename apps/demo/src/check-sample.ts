import type { CachedBinary } from '@seedbed/binary-cache';
import { type Host, type HostPath, joinHostPath, type RunResult, run } from '@seedbed/host';
import { parseSandboxPolicy, renderProbeArgv, resolveSandboxPolicy } from '@seedbed/sandbox-policy';
import type { CommandLine } from './command-line.ts';
import type { DemoFolders } from './demo-folders.ts';
import { writeOriginalTest } from './sample-repository.ts';

export interface CheckOptions {
  readonly folders: DemoFolders;
  readonly codex: CachedBinary;
  readonly sandbox: CommandLine['sandbox'];
  readonly signal: AbortSignal;
}

/**
 * Runs the original test on what became of the sample. What an agent wrote is run as carefully as what an agent runs:
 * in Codex's sandbox, unless this machine was declared to be one.
 */
export async function checkSample(host: Host, options: CheckOptions): Promise<{ readonly passed: boolean }> {
  const { check, workdir } = options.folders;
  const test = await writeOriginalTest(host, check, workdir);
  const { exit } = await runTest(host, test, options);
  return { passed: exit.kind === 'exited' && exit.code === 0 };
}

async function runTest(host: Host, test: HostPath, options: CheckOptions): Promise<RunResult> {
  const { codex, sandbox, signal } = options;
  const { check } = options.folders;
  const command = [process.execPath, test] as const;
  if (sandbox === 'external') return await run(host, { argv: command, cwd: check }, { signal });
  const home = joinHostPath(check, 'home');
  const codexHome = joinHostPath(home, '.codex');
  const taskTmp = joinHostPath(home, 'tmp');
  for (const folder of [codexHome, taskTmp]) await host.makeDirectory(folder, { mode: 0o700 });
  const policy = await resolveSandboxPolicy(host, parseSandboxPolicy({ mode: 'read-only' }), {
    codexVersion: codex.version,
    workdir: check,
    codexHome,
    taskTmp,
    codexTree: codex.root,
  });
  const env = { HOME: home, CODEX_HOME: codexHome, TMPDIR: taskTmp };
  return await run(
    host,
    { argv: [codex.path, ...renderProbeArgv(policy, command)], cwd: check, env },
    { signal },
  );
}
