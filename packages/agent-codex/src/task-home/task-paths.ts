import { type HostPath, joinHostPath } from '@seedbed/host';

/** Where everything of one task lies. All of it is inside the workdir, so that a snapshot of the workdir is the whole task. */
export interface TaskPaths {
  readonly workdir: HostPath;
  readonly home: HostPath;
  readonly codexHome: HostPath;
  readonly configToml: HostPath;
  readonly authJson: HostPath;
  readonly cache: HostPath;
  readonly config: HostPath;
  readonly data: HostPath;
  readonly state: HostPath;
  readonly tmp: HostPath;
}

export function taskPaths(workdir: HostPath): TaskPaths {
  const home = joinHostPath(workdir, 'home');
  const codexHome = joinHostPath(home, '.codex');
  return {
    workdir,
    home,
    codexHome,
    configToml: joinHostPath(codexHome, 'config.toml'),
    authJson: joinHostPath(codexHome, 'auth.json'),
    cache: joinHostPath(home, '.cache'),
    config: joinHostPath(home, '.config'),
    data: joinHostPath(home, '.local/share'),
    state: joinHostPath(home, '.local/state'),
    tmp: joinHostPath(home, 'tmp'),
  };
}

/**
 * The environment of Codex itself: the host's safe list with every home and temporary folder turned to the task's own.
 * `env` is what the caller passes on purpose, credentials included; the sandbox policy decides what commands see of it.
 */
export function taskEnvironment(
  paths: TaskPaths,
  env: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return {
    ...env,
    HOME: paths.home,
    CODEX_HOME: paths.codexHome,
    XDG_CACHE_HOME: paths.cache,
    XDG_CONFIG_HOME: paths.config,
    XDG_DATA_HOME: paths.data,
    XDG_STATE_HOME: paths.state,
    TMPDIR: paths.tmp,
  };
}
