import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Host, type HostPath, hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { openCodexConversation } from '../src/index.ts';
import type { ProviderConfig, Story } from '../src/testing/index.ts';
import { codexBinary } from '../test/codex-binaries.ts';
import { type CodexLaunch, observeLaunch } from './codex-launch.ts';
import { startScriptedModelProcess } from './scripted-model-process.ts';

/** The version that is measured, and how the table names what it is measured against. */
export const version = '0.169.0';
export const bareName: string = `codex app-server ${version}, bare`;

/** The real Codex, a scripted model in another process, and a folder for tasks. */
export interface BenchGround extends AsyncDisposable {
  readonly host: Host;
  readonly codex: HostPath;
  readonly config: ProviderConfig;
  /** Everything of the run is below it. */
  readonly root: string;
  /** A task that was opened and ended once, and how Codex was started for it. */
  readonly workdir: string;
  readonly launch: CodexLaunch;
}

export async function openBenchGround(story: Story): Promise<BenchGround> {
  await using stack = new AsyncDisposableStack();
  // Not below the host's folder for temporary files, where Codex would do without its helpers.
  const root = stack.adopt(await mkdtemp('/var/tmp/seedbed-bench-'), (path) =>
    rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }),
  );
  const { config } = stack.use(await startScriptedModelProcess(story));
  const host = stack.use(createLocalHost());
  const codex = hostPath(await codexBinary(version));
  const workdir = join(root, 'task');
  const launch = await observeTask({ host, workdir, codex, config });
  const opened = stack.move();
  return {
    host,
    codex,
    config,
    root,
    workdir,
    launch,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Opens a conversation in this sandbox and ends it again; gives how Codex was started for it. */
export async function observeTask(
  { host, codex, config, workdir }: Pick<BenchGround, 'host' | 'codex' | 'config' | 'workdir'>,
  sandbox: unknown = {},
): Promise<CodexLaunch> {
  const observed = observeLaunch(host);
  const binary = { path: codex };
  const conversation = await openCodexConversation({
    host: observed.host,
    workdir,
    version,
    binary,
    config,
    sandbox,
  });
  await conversation.end();
  return observed.launch();
}
