// Programs that use this package as source see the declarations only through this line.
/// <reference path="./npmcli-config.d.ts" />
import { realpath } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import Config from '@npmcli/config';
import settings from '@npmcli/config/lib/definitions/index.js';
import { BinaryCacheError } from '../binary-cache-error.ts';

/** npm's settings as npm itself would see them in this place. */
export interface NpmConfig {
  /** Options for pacote and npm-registry-fetch: registry, scopes, proxy, CA, credentials, retries, timeout. Holds secrets. */
  readonly fetchOptions: Readonly<Record<string, unknown>>;
  /** npm's own cache folder on this machine. */
  readonly cacheDirectory: string;
  /** For messages: which setting names the registry for a package, where it is written, and its address without credentials. */
  describeRegistry(scope: string | undefined): string;
}

export interface NpmConfigOptions {
  /** `process.env` unless given. This function is the only place in the package that reads it. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where npm would be run: the folder whose project `.npmrc` counts. `process.cwd()` unless given. */
  readonly cwd?: string;
}

const places: Readonly<Record<string, string>> = {
  default: "npm's default",
  builtin: "npm's built-in npmrc",
  global: 'the global npmrc',
  user: 'the user npmrc',
  project: 'the project npmrc',
  env: 'the environment',
};

/**
 * Reads npm's configuration with npm's own library: `npm_config_*` variables, then the project's, the user's, the global and the built-in npmrc.
 * npm need not be installed. Where it is on PATH, its built-in and its global npmrc count, whichever Node runs this program.
 *
 * @throws {BinaryCacheError} `download-failed` when the configuration cannot be read.
 */
export async function readNpmConfig(options: NpmConfigOptions = {}): Promise<NpmConfig> {
  const env = definedOnly(options.env ?? process.env);
  const installed = await findNpm(env['PATH'] ?? '');
  const config = new Config({
    ...settings,
    npmPath: installed?.packageRoot ?? '/nonexistent',
    execPath: installed?.node ?? process.execPath,
    env,
    argv: [],
    cwd: options.cwd ?? process.cwd(),
    warn: false,
  });
  try {
    await config.load();
    const { cache, ...fetchOptions } = config.flat;
    return {
      fetchOptions: { ...fetchOptions, userAgent: 'seedbed-binary-cache' },
      cacheDirectory: typeof cache === 'string' ? dirname(cache) : join(env['HOME'] ?? '/', '.npm'),
      describeRegistry: (scope) => describeRegistry(config, scope),
    };
  } catch (cause) {
    throw new BinaryCacheError(
      'download-failed',
      `npm's configuration cannot be read (${cause instanceof Error ? cause.message : String(cause)}). \`npm config list\` shows what npm makes of it.`,
      { cause },
    );
  }
}

function describeRegistry(config: Config, scope: string | undefined): string {
  const scoped = scope === undefined ? undefined : `${scope}:registry`;
  const setting = scoped !== undefined && config.find(scoped) !== null ? scoped : 'registry';
  const place = places[config.find(setting) ?? 'default'] ?? 'its configuration';
  const address = config.get(setting);
  const origin =
    typeof address === 'string' && URL.canParse(address) ? new URL(address).origin : 'no address';
  return `npm's setting \`${setting}\` (${place}: ${origin})`;
}

/** The npm on PATH, and the Node beside it, whose prefix npm's global npmrc lies under. */
async function findNpm(path: string): Promise<{ packageRoot: string; node: string } | undefined> {
  for (const folder of path.split(delimiter)) {
    if (!folder.startsWith('/')) continue;
    try {
      const script = await realpath(join(folder, 'npm'));
      const node = await realpath(join(folder, 'node')).then(
        () => join(folder, 'node'),
        () => process.execPath,
      );
      return { packageRoot: dirname(dirname(script)), node };
    } catch {
      // No npm in this folder.
    }
  }
  return undefined;
}

/** A copy: the configuration library writes `npm_config_*` variables into the object that it is given. */
function definedOnly(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const copy: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined) copy[name] = value;
  return copy;
}
