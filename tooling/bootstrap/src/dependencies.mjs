import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { explainFileError } from './bootstrap-error.mjs';
import { withInstallLock } from './install-lock.mjs';
import { npmClient } from './npm-client.mjs';
import { runTool } from './tool-run.mjs';
import { workspaceFolders } from './workspace.mjs';

const STAMP = 'node_modules/.seedbed-installed';

/**
 * Installs what the lockfile says, when that or a package.json is not what it was at the last install.
 * The stamp that says so is written last: an install that was cut short is done again.
 *
 * @param {{ root: string, toolchain: import('./toolchain.mjs').Toolchain, env: NodeJS.ProcessEnv, announce: (line: string) => void }} options
 */
export async function installDependencies({ root, toolchain, env, announce }) {
  const isInstalled = () => readStamp(root) === wantedStamp(root) && hasEveryFolder(root);
  if (isInstalled()) return;
  try {
    await withInstallLock(join(root, '.toolchain', 'lock'), {
      onWait: () => announce('waiting for another start that is installing the dependencies …'),
      work: async () => {
        if (isInstalled()) return;
        announce('installing the dependencies that the lockfile names …');
        const stamp = wantedStamp(root);
        await install(root, toolchain, env);
        mkdirSync(join(root, 'node_modules'), { recursive: true });
        writeFileSync(join(root, `${STAMP}.draft`), stamp);
        renameSync(join(root, `${STAMP}.draft`), join(root, STAMP));
      },
    });
  } catch (error) {
    throw explainFileError(error, 'Installing the dependencies');
  }
}

/**
 * @param {string} root
 * @param {import('./toolchain.mjs').Toolchain} toolchain
 * @param {NodeJS.ProcessEnv} env
 */
async function install(root, toolchain, env) {
  const folder = join(root, '.toolchain');
  const settings = {
    ...(await npmClient(root).registrySettings('pnpm_config_')),
    pnpm_config_store_dir: usedStore(root) ?? join(folder, 'store'),
    pnpm_config_cache_dir: join(folder, 'pnpm-cache'),
    pnpm_config_state_dir: join(folder, 'pnpm-state'),
    pnpm_config_update_notifier: 'false',
    // Without a question: a modules folder of another pnpm is replaced.
    pnpm_config_confirm_modules_purge: 'false',
  };
  await runTool(toolchain.pnpm, ['install', '--frozen-lockfile', '--reporter=append-only'], {
    cwd: root,
    env: { ...env, ...settings },
    tried: 'Installing the dependencies with pnpm',
  });
}

/**
 * The store of a developer who ran pnpm directly: to install from another would mean to install everything anew.
 *
 * @param {string} root
 * @returns {string | undefined}
 */
function usedStore(root) {
  try {
    const { storeDir } = JSON.parse(readFileSync(join(root, 'node_modules/.modules.yaml'), 'utf8'));
    // pnpm adds the store's own format version itself.
    return typeof storeDir === 'string' ? storeDir.replace(/\/v\d+$/, '') : undefined;
  } catch {
    return undefined;
  }
}

/** @param {string} root */
function wantedStamp(root) {
  const hash = createHash('sha256');
  const manifests = workspaceFolders(root).map((folder) => join(folder, 'package.json'));
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json', ...manifests]) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update('\0');
  }
  return hash.digest('hex');
}

/** @param {string} root */
function readStamp(root) {
  try {
    return readFileSync(join(root, STAMP), 'utf8');
  } catch {
    // Never installed.
    return undefined;
  }
}

/**
 * Whether every package that asks for something still has its modules folder.
 *
 * @param {string} root
 */
function hasEveryFolder(root) {
  return workspaceFolders(root).every((folder) => {
    const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
    const asks = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies }).length > 0;
    return !asks || existsSync(join(root, folder, 'node_modules'));
  });
}
