import { type Host, HostError, type HostPath, readText } from '@seedbed/host';
import { CONFIG_KEYS_OWNED_BY_POLICY, createLinkFollower } from '@seedbed/sandbox-policy';
import { AgentCodexError } from '../agent-codex-error.ts';
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
  /** Where its folders for the data of programs really are. */
  readonly folders: Pick<TaskPaths, 'cache' | 'config' | 'data' | 'state'>;
  /** Of the config.toml; what it says of the sandbox and of tool servers is forgotten, because each session says all of it. */
  readonly config: CodexConfig;
}

/** @throws {AgentCodexError} `invalid-config` when the config.toml that is there cannot be read. */
export async function lookAtTaskHome(host: Host, paths: TaskPaths): Promise<TaskHome> {
  const follow = createLinkFollower(host);
  const [stat, configToml, cache, config, data, state] = await Promise.all([
    host.stat(paths.codexHome, { followLinks: true }),
    existingConfig(host, paths.configToml),
    follow(paths.cache),
    follow(paths.config),
    follow(paths.data),
    follow(paths.state),
  ]);
  const folders = { cache, config, data, state };
  return { isThere: stat?.kind === 'directory', folders, config: configToml };
}

/**
 * An agent writes in its home: a folder there that it has replaced by a link would lead this program and Codex out of the workdir,
 * and the next session's commands as well, which may write in their folder for temporary files.
 * @throws {AgentCodexError} `launch-failed` when a folder is not where it belongs.
 */
export function refuseLinks(paths: TaskPaths, real: Partial<TaskPaths>): void {
  for (const [name, path] of Object.entries(paths)) {
    const found = Object.entries(real).find(([other]) => other === name)?.[1];
    if (found === undefined || found === path) continue;
    throw new AgentCodexError(
      'launch-failed',
      `${path} is to be the task's own, but leads to ${found}: something in the task has put a link there. Nothing was started. Remove the link.`,
    );
  }
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

/** A tool server runs outside of the sandbox: none starts that this session was not given. */
const SAID_BY_EACH_SESSION: readonly string[] = [...CONFIG_KEYS_OWNED_BY_POLICY, 'mcp_servers'];

async function existingConfig(host: Host, path: HostPath): Promise<CodexConfig> {
  const text = await textIfThere(host, path);
  if (text === undefined) return {};
  const forgotten = SAID_BY_EACH_SESSION.map((key) => [key, null] as const);
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
