import { type Host, HostError, type HostPath, readText } from '@seedbed/host';
import { CONFIG_KEYS_OWNED_BY_POLICY } from '@seedbed/sandbox-policy';
import { type CodexLogin, renderAuthJson } from './codex-login.ts';
import { type CodexConfig, mergeConfig, readConfigToml, writeConfigToml } from './config-toml.ts';
import type { TaskPaths } from './task-paths.ts';

/** What must hold in every task, whatever the caller's configuration says. */
const fixedConfig: CodexConfig = {
  // Otherwise a keyring of the machine is asked, and auth.json ignored.
  cli_auth_credentials_store: 'file',
  check_for_update_on_startup: false,
  // 0.169 would otherwise leave a detached daemon behind that outlives the task.
  features: { daemon_auto_start: false },
};

/** Bounded, so that a host far away can answer at once. */
const MAX_CONFIG_BYTES = 1024 * 1024;

/** What is there of a task's home. */
export interface TaskHome {
  /** Its CODEX_HOME is there. */
  readonly isThere: boolean;
  /** Of the config.toml; what it says of the sandbox is forgotten, because the policy of each session says it all. */
  readonly config: CodexConfig;
}

/** @throws {AgentCodexError} `invalid-config` when the config.toml that is there cannot be read. */
export async function lookAtTaskHome(host: Host, { codexHome, configToml }: TaskPaths): Promise<TaskHome> {
  const [stat, config] = await Promise.all([
    host.stat(codexHome, { followLinks: true }),
    existingConfig(host, configToml),
  ]);
  return { isThere: stat?.kind === 'directory', config };
}

/** One after the other, because whoever made a folder in the home first would make the home with another mode. */
export async function makeTaskHome(host: Host, { home, codexHome }: TaskPaths): Promise<void> {
  for (const folder of [home, codexHome]) await host.makeDirectory(folder, { mode: 0o700 });
}

export interface TaskHomeContent {
  readonly login?: CodexLogin;
  /** Layers, the later ones win. */
  readonly config: readonly CodexConfig[];
}

/**
 * Writes config.toml, whole and never appended to, and auth.json, and makes what is missing of the other folders: all at the same time.
 * @throws {AgentCodexError} `invalid-config` when one of the files cannot be rendered; then nothing is written.
 */
export async function fillTaskHome(
  host: Host,
  paths: TaskPaths,
  { config, login }: TaskHomeContent,
): Promise<void> {
  const files: readonly (readonly [HostPath, string])[] = [
    [paths.configToml, writeConfigToml(mergeConfig(...config, fixedConfig))],
    ...(login === undefined ? [] : [[paths.authJson, renderAuthJson(login)] as const]),
  ];
  const folders = [paths.cache, paths.config, paths.data, paths.state, paths.tmp];
  await Promise.all([
    ...files.map(([path, text]) => host.writeFile(path, text, { mode: 0o600 })),
    ...folders.map((folder) => host.makeDirectory(folder, { mode: 0o700 })),
  ]);
}

async function existingConfig(host: Host, path: HostPath): Promise<CodexConfig> {
  const text = await textIfThere(host, path);
  if (text === undefined) return {};
  const forgotten = CONFIG_KEYS_OWNED_BY_POLICY.map((key) => [key, null] as const);
  return mergeConfig(readConfigToml(text), Object.fromEntries(forgotten));
}

async function textIfThere(host: Host, path: HostPath): Promise<string | undefined> {
  try {
    return await readText(host, path, { maxBytes: MAX_CONFIG_BYTES });
  } catch (failure) {
    if (failure instanceof HostError && (failure.code === 'not-found' || failure.code === 'not-a-directory'))
      return undefined;
    throw failure;
  }
}
