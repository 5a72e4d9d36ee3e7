import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BootstrapError, explainFileError } from './bootstrap-error.mjs';
import { withInstallLock } from './install-lock.mjs';
import { npmClient } from './npm-client.mjs';
import { findPnpmOnPath } from './pnpm-on-path.mjs';
import { runTool } from './tool-run.mjs';

/**
 * The Node and the pnpm that everything else runs with.
 *
 * @typedef {{ node: string, pnpm: string }} Toolchain absolute paths of the two programs
 * @typedef {{ name: string, version: string, spec: string, program: string, shows: (version: string) => boolean }} Tool
 */

const PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'];

/**
 * Takes what the machine has (Node >= 24 running this, pnpm of the right major version on PATH) and fetches what it has not,
 * into `.toolchain`. A tool appears there by a rename, whole and tried out: what was cut short is not found and is fetched again.
 *
 * @param {string} root
 * @param {(line: string) => void} announce
 * @returns {Promise<Toolchain>}
 */
export async function findToolchain(root, announce) {
  const folder = join(root, '.toolchain');
  const { nodeVersion, pnpmVersion } = pinnedVersions(root);
  const nodeIsHere = Number.parseInt(process.versions.node, 10) >= Number.parseInt(nodeVersion, 10);
  const pnpmIsHere = await findPnpmOnPath(folder, Number.parseInt(pnpmVersion, 10));
  if (nodeIsHere && pnpmIsHere !== undefined) return { node: process.execPath, pnpm: pnpmIsHere };

  const platform = supportedPlatform();
  const node = nodeTool(platform, nodeVersion);
  const pnpm = pnpmTool(platform, pnpmVersion);
  const wanted = [...(nodeIsHere ? [] : [node]), ...(pnpmIsHere === undefined ? [pnpm] : [])];
  const missing = () => wanted.filter((tool) => !existsSync(programPath(folder, tool)));
  if (missing().length > 0) {
    await explaining(`Preparing ${folder}`, () =>
      withInstallLock(join(folder, 'lock'), {
        onWait: () => announce('waiting for another start that is fetching the tools …'),
        work: async () => {
          for (const tool of missing()) await fetchTool(root, tool, announce);
        },
      }),
    );
  }
  return {
    node: nodeIsHere ? process.execPath : programPath(folder, node),
    pnpm: pnpmIsHere ?? programPath(folder, pnpm),
  };
}

/** @param {string} root */
function pinnedVersions(root) {
  const nodeVersion = readFileSync(join(root, '.node-version'), 'utf8').trim();
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return { nodeVersion, pnpmVersion: String(packageManager).replace(/^pnpm@/, '') };
}

function supportedPlatform() {
  const platform = `${process.platform}-${process.arch}`;
  const advice = 'Install Node.js 24 or newer and pnpm 12 yourself, put both on PATH and start again.';
  if (!PLATFORMS.includes(platform)) {
    throw new BootstrapError(
      `There is no ready-made Node.js for ${platform} (only for ${PLATFORMS.join(', ')}). ${advice}`,
    );
  }
  if (process.platform === 'linux') {
    const report = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport());
    if (report.header.glibcVersionRuntime === undefined) {
      throw new BootstrapError(
        `The ready-made Node.js for ${platform} needs glibc, and this system has another C library. ${advice}`,
      );
    }
  }
  return platform;
}

/**
 * @param {string} platform
 * @param {string} version
 * @returns {Tool}
 */
function nodeTool(platform, version) {
  // The packages for macOS are not published for every version: there the newest of the same major version is taken.
  const range = platform.startsWith('linux') ? version : String(Number.parseInt(version, 10));
  return {
    name: 'Node.js',
    version: range,
    spec: `node-${platform}@${range}`,
    program: `node_modules/node-${platform}/bin/node`,
    shows: (shown) => shown.startsWith(`v${range}`),
  };
}

/**
 * pnpm's native program, which its npm package otherwise puts in place by an install script.
 *
 * @param {string} platform
 * @param {string} version
 * @returns {Tool}
 */
function pnpmTool(platform, version) {
  return {
    name: 'pnpm',
    version,
    spec: `@pnpm/exe.${platform}@${version}`,
    program: `node_modules/@pnpm/exe.${platform}/pnpm`,
    shows: (shown) => shown === version,
  };
}

/**
 * @param {string} folder
 * @param {Tool} tool
 */
function toolFolder(folder, tool) {
  return join(folder, tool.spec.replace('/', '+'));
}

/**
 * @param {string} folder
 * @param {Tool} tool
 */
function programPath(folder, tool) {
  return join(toolFolder(folder, tool), tool.program);
}

/**
 * Holds the lock. Leftovers of starts that were killed go first.
 *
 * @param {string} root
 * @param {Tool} tool
 * @param {(line: string) => void} announce
 */
async function fetchTool(root, tool, announce) {
  announce(`fetching ${tool.name} ${tool.version} into .toolchain, once …`);
  const folder = join(root, '.toolchain');
  for (const name of readdirSync(folder)) {
    if (name.startsWith('incoming-')) rmSync(join(folder, name), { recursive: true, force: true });
  }
  const incoming = join(folder, `incoming-${process.pid}`);
  mkdirSync(incoming);
  try {
    await npmClient(root).install(tool.spec, incoming);
    const program = join(incoming, tool.program);
    const tried = `Trying out the fetched ${tool.name}`;
    const shown = await runTool(program, ['--version'], { cwd: dirname(program), env: process.env, tried });
    if (!tool.shows(shown.trim())) {
      throw new BootstrapError(
        `The registry gave something else for ${tool.spec}: it calls itself ${shown.trim()}.`,
      );
    }
    // A folder that stands there without its program is one that somebody damaged.
    rmSync(toolFolder(folder, tool), { recursive: true, force: true });
    renameSync(incoming, toolFolder(folder, tool));
  } finally {
    rmSync(incoming, { recursive: true, force: true });
  }
}

/**
 * @param {string} tried
 * @param {() => Promise<void>} work
 */
async function explaining(tried, work) {
  try {
    await work();
  } catch (error) {
    throw explainFileError(error, tried);
  }
}
