import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { BootstrapError } from './bootstrap-error.mjs';
import { runTool } from './tool-run.mjs';

/** Of npm's settings, what says where the registry is and how to get there. None of them is a secret. */
const PASSED_ON = ['registry', 'cafile', 'proxy', 'https-proxy', 'noproxy', 'strict-ssl'];

/**
 * npm as it is on this machine. Its own configuration says where the registry is; the repository never does.
 * Its cache lies inside the repository.
 *
 * @param {string} root
 */
export function npmClient(root) {
  const npm = findOnPath('npm', process.env['PATH'] ?? '');
  if (npm === undefined) {
    throw new BootstrapError(
      'npm is needed to fetch the tools of this repository, and it is not on PATH. Install it (it comes with Node.js) and start again.',
    );
  }
  const cache = join(root, '.toolchain', 'npm-cache');
  const run = (/** @type {string[]} */ args, /** @type {string} */ tried) =>
    runTool(npm, [...args, `--cache=${cache}`, '--no-update-notifier'], {
      cwd: root,
      env: process.env,
      tried,
    });
  return {
    /**
     * Installs one package, exact and without its install scripts, into a folder of its own.
     *
     * @param {string} spec
     * @param {string} folder
     */
    async install(spec, folder) {
      const how = [
        '--no-save',
        '--no-package-lock',
        '--ignore-scripts',
        '--no-audit',
        '--no-fund',
        '--loglevel=error',
      ];
      const retries = ['--fetch-retries=4', '--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=5000'];
      await run(
        ['install', spec, '--prefix', folder, '--no-global', ...how, ...retries],
        `Fetching ${spec} with npm`,
      );
    },
    /**
     * The registry's address and the way to it, as environment variables for another client that reads them under this prefix.
     *
     * @param {'npm_config_' | 'pnpm_config_'} prefix
     * @returns {Promise<Record<string, string>>}
     */
    async registrySettings(prefix) {
      const text = await run(
        ['config', 'list', '--json', '--loglevel=silent'],
        "Asking for npm's configuration",
      );
      const settings = /** @type {Record<string, unknown>} */ (JSON.parse(text));
      /** @type {Record<string, string>} */
      const env = {};
      for (const name of PASSED_ON) {
        const value = settings[name];
        const words = (Array.isArray(value) ? value.join(',') : String(value ?? '')).trim();
        if (words !== '') env[`${prefix}${name.replaceAll('-', '_')}`] = words;
      }
      return env;
    },
  };
}

/**
 * @param {string} name
 * @param {string} path
 */
export function findOnPath(name, path) {
  for (const folder of path.split(delimiter)) {
    if (folder === '') continue;
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}
