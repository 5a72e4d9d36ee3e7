import { delimiter } from 'node:path';

/** What a command may know of root's environment: how to show things, where proxies and certificates are, and what tests are asked for. */
const KEPT =
  /^(CI|TERM|COLORTERM|NO_COLOR|FORCE_COLOR|LANG|LC_\w+|TZ|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR)|https?_proxy|no_proxy|HTTPS?_PROXY|NO_PROXY|SEEDBED_\w+|MONGODB_TEST_URI)$/;

/**
 * @param {NodeJS.ProcessEnv} env root's
 * @param {{ user: import('./test-user.mjs').TestUser, registry: Record<string, string>, writable: string, seen: (path: string) => string, firstOnPath: string }} options
 * @returns {NodeJS.ProcessEnv}
 */
export function userEnvironment(env, { user, registry, writable, seen, firstOnPath }) {
  const kept = Object.fromEntries(Object.entries(env).filter(([name]) => KEPT.test(name)));
  const path = [firstOnPath, ...(env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'].map(seen);
  return {
    ...kept,
    ...registry,
    PATH: [...new Set(path)].join(delimiter),
    HOME: user.home,
    USER: user.name,
    LOGNAME: user.name,
    SHELL: '/bin/sh',
    SEEDBED_WRITABLE: writable,
  };
}
