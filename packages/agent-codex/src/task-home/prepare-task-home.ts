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

/** What is there of a task's home. */
export interface TaskHome {
  readonly isWhole: boolean;
  /** Of the config.toml; what it says of the sandbox is forgotten, because the policy of each session says it all. */
  readonly config: CodexConfig;
}

/**
 * Looks at everything at the same time, so that a home which was used before costs one step.
 * @throws {AgentCodexError} `invalid-config` when the config.toml that is there cannot be read.
 */
export async function lookAtTaskHome(host: Host, paths: TaskPaths): Promise<TaskHome> {
  const [config, ...present] = await Promise.all([
    existingConfig(host, paths),
    ...[paths.home, ...foldersOf(paths)].map((folder) => isFolder(host, folder)),
  ]);
  return { isWhole: present.every(Boolean), config };
}

/** Makes the task's folders, its own alone. The home comes first, because whoever makes a folder in it would make it with another mode. */
export async function makeTaskFolders(host: Host, paths: TaskPaths): Promise<void> {
  await host.makeDirectory(paths.home, { mode: 0o700 });
  await Promise.all(foldersOf(paths).map((folder) => host.makeDirectory(folder, { mode: 0o700 })));
}

export interface TaskHomeContent {
  readonly login?: CodexLogin;
  /** Layers, the later ones win. */
  readonly config: readonly CodexConfig[];
}

/**
 * Writes config.toml, whole and never appended to, and auth.json.
 * @throws {AgentCodexError} `invalid-config` when one of them cannot be rendered; then neither is written.
 */
export async function writeTaskHome(
  host: Host,
  paths: TaskPaths,
  { config, login }: TaskHomeContent,
): Promise<void> {
  const files: readonly (readonly [HostPath, string])[] = [
    [paths.configToml, writeConfigToml(mergeConfig(...config, fixedConfig))],
    ...(login === undefined ? [] : [[paths.authJson, renderAuthJson(login)] as const]),
  ];
  await Promise.all(files.map(([path, text]) => host.writeFile(path, text, { mode: 0o600 })));
}

/** All of them lie in the home. */
function foldersOf(paths: TaskPaths): readonly HostPath[] {
  return [paths.codexHome, paths.cache, paths.config, paths.data, paths.state, paths.tmp];
}

async function isFolder(host: Host, path: HostPath): Promise<boolean> {
  return (await host.stat(path, { followLinks: true }))?.kind === 'directory';
}

async function existingConfig(host: Host, paths: TaskPaths): Promise<CodexConfig> {
  const text = await textIfThere(host, paths.configToml);
  if (text === undefined) return {};
  const forgotten = CONFIG_KEYS_OWNED_BY_POLICY.map((key) => [key, null] as const);
  return mergeConfig(readConfigToml(text), Object.fromEntries(forgotten));
}

async function textIfThere(host: Host, path: HostPath): Promise<string | undefined> {
  try {
    return await readText(host, path);
  } catch (failure) {
    if (failure instanceof HostError && (failure.code === 'not-found' || failure.code === 'not-a-directory'))
      return undefined;
    throw failure;
  }
}
