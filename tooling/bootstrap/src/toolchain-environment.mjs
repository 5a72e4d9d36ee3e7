import { delimiter, dirname } from 'node:path';

/**
 * The environment of everything that runs with the toolchain: the caller's own, with Node and pnpm found first on PATH,
 * and no tool calling out on its own account.
 *
 * @param {{ node: string, pnpm: string }} toolchain
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv}
 */
export function toolchainEnvironment({ node, pnpm }, env) {
  const first = [...new Set([dirname(node), dirname(pnpm)])];
  const rest = (env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '' && !first.includes(folder));
  return {
    ...env,
    PATH: [...first, ...rest].join(delimiter),
    TURBO_TELEMETRY_DISABLED: '1',
    TURBO_NO_UPDATE_NOTIFIER: '1',
    DO_NOT_TRACK: '1',
  };
}
