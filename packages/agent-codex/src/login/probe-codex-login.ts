import { type Host, HostError, type HostPath, joinHostPath, readText, run } from '@seedbed/host';
import { AgentCodexError } from '../agent-codex-error.ts';
import { type CodexConfig, mergeConfig, writeConfigToml } from '../task-home/config-toml.ts';
import { taskEnvironment, taskPaths } from '../task-home/task-paths.ts';

export interface ProbeLoginOptions {
  /** The `bin/codex` to run, in its whole tree. */
  readonly codex: HostPath;
  /** A folder for the probe alone, below a folder that is there. It is made, and removed afterwards. Not below the host's folder for temporary files. */
  readonly workdir: HostPath;
  /** More of config.toml, as `identityConfig` gives it. */
  readonly config?: CodexConfig;
  /** For Codex; no credential-like variable of the host or of this program ever reaches it. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default 120,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * What one turn said of a login. `authJson` is the file as it was after it, where it has changed: the login may have rotated whatever the outcome. Save it.
 *
 * - `alive`: a turn was completed.
 * - `dead`: Codex says that somebody has to log in again.
 * - `unknown`: anything else; nothing is known of the login.
 */
export interface LoginProbe {
  readonly outcome: 'alive' | 'dead' | 'unknown';
  readonly authJson?: string;
}

const PROMPT = 'Reply with the single word: ready';

/** What Codex says when its login is over, in both versions. */
const LOGIN_IS_OVER = /log out and sign in again|sign in again\b/i;

const MAX_AUTH_JSON_BYTES = 256 * 1024;

/**
 * Asks whether a login works by one turn of `codex exec`, in a home of its own: the way that is left where a provider cannot be asked directly. It costs a turn.
 * Whoever calls it must be the only one who uses the login meanwhile.
 *
 * @throws {AgentCodexError} `launch-failed` when the workdir is there already. @throws {HostError} when the host fails before Codex was started, and where the file cannot be read after
 * it: the workdir then stays, with what may be the only copy of the login.
 */
export async function probeCodexLogin(
  host: Host,
  authJson: string,
  options: ProbeLoginOptions,
): Promise<LoginProbe> {
  const paths = taskPaths(options.workdir);
  if ((await host.stat(paths.workdir)) !== undefined)
    throw new AgentCodexError(
      'launch-failed',
      `Did not probe a login in ${paths.workdir}: it is there already, and would be removed afterwards. Name a folder that is not.`,
    );
  const remove = (): Promise<void> => host.remove(paths.workdir, { recursive: true });
  try {
    await fillProbeHome(host, paths.workdir, { authJson, config: options.config ?? {} });
  } catch (failure) {
    await remove().catch(() => undefined);
    throw failure;
  }
  const outcome = await oneTurn(host, options);
  const after = await textIfThere(host, paths.authJson);
  // What was found counts more than the folder, which the next probe misses if it stays.
  await remove().catch(() => undefined);
  return { outcome, ...(after === undefined || after === authJson ? {} : { authJson: after }) };
}

async function fillProbeHome(
  host: Host,
  workdir: HostPath,
  content: { readonly authJson: string; readonly config: CodexConfig },
): Promise<void> {
  const { authJson, codexHome, configToml, home, tmp } = taskPaths(workdir);
  for (const folder of [workdir, home, codexHome, tmp, joinHostPath(workdir, 'work')])
    await host.makeDirectory(folder, { mode: 0o700 });
  const config = mergeConfig(content.config, {
    cli_auth_credentials_store: 'file',
    check_for_update_on_startup: false,
    sandbox_mode: 'read-only',
    analytics: { enabled: false },
  });
  await host.writeFile(configToml, writeConfigToml(config), { mode: 0o600 });
  await host.writeFile(authJson, content.authJson, { mode: 0o600 });
}

async function oneTurn(host: Host, options: ProbeLoginOptions): Promise<LoginProbe['outcome']> {
  const paths = taskPaths(options.workdir);
  const argv = [options.codex, 'exec', '--json', '--skip-git-repo-check', PROMPT] as const;
  const command = {
    argv,
    cwd: joinHostPath(paths.workdir, 'work'),
    env: taskEnvironment(paths, options.env),
  };
  const { signal, timeoutMs = 120_000 } = options;
  try {
    const { exit, stdout } = await run(host, command, {
      timeoutMs,
      ...(signal === undefined ? {} : { signal }),
    });
    if (exit.kind === 'exited' && exit.code === 0) return 'alive';
    return LOGIN_IS_OVER.test(stdout) ? 'dead' : 'unknown';
  } catch (failure) {
    // It may have rotated all the same: what it left is still read.
    if (failure instanceof HostError) return 'unknown';
    throw failure;
  }
}

async function textIfThere(host: Host, path: HostPath): Promise<string | undefined> {
  try {
    return await readText(host, path, { maxBytes: MAX_AUTH_JSON_BYTES });
  } catch (failure) {
    if (failure instanceof HostError && failure.code === 'not-found') return undefined;
    throw failure;
  }
}
