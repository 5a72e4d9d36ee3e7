import { type Host, type HostPath, readText } from '@seedbed/host';
import { CONFIG_KEYS_OWNED_BY_POLICY } from '@seedbed/sandbox-policy';
import { type CodexLogin, renderAuthJson } from './codex-login.ts';
import { type CodexConfig, mergeConfig, readConfigToml, writeConfigToml } from './config-toml.ts';
import { type TaskPaths, taskPaths } from './task-paths.ts';

/** What must hold in every task, whatever the caller's configuration says. */
const fixedConfig: CodexConfig = {
  // Otherwise a keyring of the machine is asked, and auth.json ignored.
  cli_auth_credentials_store: 'file',
  check_for_update_on_startup: false,
  // 0.169 would otherwise leave a detached daemon behind that outlives the task.
  features: { daemon_auto_start: false },
};

/** Makes the task's folders, its own alone, and gives their paths with every link on the way followed. */
export async function makeTaskFolders(host: Host, workdir: HostPath): Promise<TaskPaths> {
  await host.makeDirectory(workdir);
  const paths = taskPaths(await host.canonicalize(workdir));
  await host.makeDirectory(paths.home, { mode: 0o700 });
  const folders = [paths.codexHome, paths.cache, paths.config, paths.data, paths.state, paths.tmp];
  await Promise.all(folders.map((folder) => host.makeDirectory(folder, { mode: 0o700 })));
  return paths;
}

export interface TaskHomeContent {
  readonly login?: CodexLogin;
  /** Layers over what is there, the later ones win. */
  readonly config: readonly CodexConfig[];
}

/**
 * Writes config.toml and auth.json. A config.toml that is there is read and written anew, never appended to;
 * what it says of the sandbox is forgotten, because the policy of this session says it all.
 * @throws {AgentCodexError} `invalid-config` when the config.toml that is there cannot be read.
 */
export async function writeTaskHome(host: Host, paths: TaskPaths, content: TaskHomeContent): Promise<void> {
  const before = await existingConfig(host, paths);
  const config = mergeConfig(before, ...content.config, fixedConfig);
  await host.writeFile(paths.configToml, writeConfigToml(config), { mode: 0o600 });
  if (content.login !== undefined) {
    await host.writeFile(paths.authJson, renderAuthJson(content.login), { mode: 0o600 });
  }
}

async function existingConfig(host: Host, paths: TaskPaths): Promise<CodexConfig> {
  if ((await host.stat(paths.configToml)) === undefined) return {};
  const config = readConfigToml(await readText(host, paths.configToml));
  const forgotten = CONFIG_KEYS_OWNED_BY_POLICY.map((key) => [key, null] as const);
  return mergeConfig(config, Object.fromEntries(forgotten));
}
