import { randomUUID } from 'node:crypto';
import { throwIfAborted } from '../abort.ts';
import { checkCommand } from '../check-command.ts';
import { type Environment, SAFE_ENVIRONMENT_NAMES, safeEnvironment } from '../environment.ts';
import type { Host, HostPlatform } from '../host.ts';
import { HostError } from '../host-error.ts';
import { type HostPath, hostPath } from '../host-path.ts';
import { decodeHostPathBytes } from '../host-path-bytes.ts';
import type { HostProcess } from '../process.ts';
import { MARKER_NAME, processMarker } from '../process-marker.ts';
import {
  canonicalRemotePath,
  linkRemote,
  listRemoteDirectory,
  makeRemoteDirectory,
  readRemoteLink,
  removeRemote,
  renameRemote,
  setRemoteMode,
  setRemoteModified,
  statRemoteFile,
} from './arrange-files.ts';
import type { SshAuthentication } from './authentication.ts';
import { connectRemotely } from './connect.ts';
import { openConnection } from './connection.ts';
import { type HostKeyTrust, hostKeyCheck } from './host-key.ts';
import { readRemoteFile } from './read-file.ts';
import { startRemoteProcess } from './remote-process.ts';
import { scriptOutput } from './script-output.ts';
import { createSessionPool, type SessionPool } from './session-pool.ts';
import { watchRemotePath } from './watch-path.ts';
import { writeRemoteFile } from './write-file.ts';

export interface SshHostOptions {
  /** A name or an address. */
  readonly host: string;
  /** 22 by default. */
  readonly port?: number;
  readonly user: string;
  readonly auth: SshAuthentication;
  readonly hostKey: HostKeyTrust;
  /** More names (globs) of the login's environment that children may inherit. A name that looks like a credential's stays out all the same. */
  readonly inherit?: readonly string[];
  /** How often the host is asked for a sign of life, in milliseconds; after three without one the link is lost. 5,000 by default. */
  readonly keepaliveMs?: number;
  /** How long connecting may take, in milliseconds. 20,000 by default. */
  readonly connectTimeoutMs?: number;
  /** How many connections may be open at once; each holds 10 commands (less where the host allows less). 8 by default. */
  readonly maxConnections?: number;
  /** How long a command waits for a free place, in milliseconds. 30,000 by default. */
  readonly waitMs?: number;
  /** Stops the connecting. */
  readonly signal?: AbortSignal;
}

/**
 * A Linux machine that is reached through SSH, as the user that logs in. It needs a POSIX shell, coreutils and grep there, and sshd's own exec sessions.
 * When a connection breaks, the host is lost: what ran may still run there.
 *
 * @throws {HostError} `host-key-unknown`, `host-key-changed`, `permission-denied`, `timeout`, `host-lost`, `aborted`, `unsupported`.
 */
export async function openSshHost(options: SshHostOptions): Promise<Host> {
  const port = options.port ?? 22;
  const hostKey = await hostKeyCheck(options.host, port, options.hostKey);
  const target = {
    host: options.host,
    port,
    user: options.user,
    auth: options.auth,
    connectTimeoutMs: options.connectTimeoutMs ?? 20_000,
    keepaliveMs: options.keepaliveMs ?? 5_000,
  };
  const main = await openConnection(target, hostKey, options.signal);
  const pool = createSessionPool(main, {
    connect: () => openConnection(target, hostKey, undefined),
    maxConnections: options.maxConnections ?? 8,
    waitMs: options.waitMs ?? 30_000,
  });
  try {
    const facts = await askFacts(pool, options.inherit ?? []);
    return sshHost(pool, `${options.user}@${options.host}:${port}`, facts);
  } catch (failure) {
    pool.close();
    throw failure;
  }
}

interface HostFacts {
  readonly platform: HostPlatform;
  readonly uid: number;
  readonly home: HostPath;
  readonly tmp: HostPath;
  readonly env: Environment;
}

async function askFacts(pool: SessionPool, inherit: readonly string[]): Promise<HostFacts> {
  const attempt = 'get to know the host';
  const script = `printf '%s\\0' "$(uname -s)" "$(uname -m)" "$(id -u)" && env -0`;
  const output = await scriptOutput(pool, script, { attempt, loginEnvironment: true });
  const [os = '', arch = '', uid, ...entries] = decodeHostPathBytes(output).split('\0');
  const login: Record<string, string> = Object.create(null);
  for (const entry of entries) {
    const at = entry.indexOf('=');
    if (at > 0) login[entry.slice(0, at)] = entry.slice(at + 1);
  }
  const home = hostPath(login['HOME'] ?? '/');
  const env = safeEnvironment(login, [...SAFE_ENVIRONMENT_NAMES, ...inherit]);
  return {
    platform: platformOf(os, arch),
    uid: Number(uid),
    home,
    tmp: hostPath(login['TMPDIR'] || '/tmp'),
    env: Object.freeze({ ...env, HOME: home }),
  };
}

function platformOf(os: string, arch: string): HostPlatform {
  if (os === 'Linux' && arch === 'x86_64') return { os: 'linux', arch: 'x64' };
  if (os === 'Linux' && arch === 'aarch64') return { os: 'linux', arch: 'arm64' };
  throw new HostError(
    'unsupported',
    `The host (${os} on ${arch}) cannot run tasks through SSH: Linux on x64 or arm64 can.`,
  );
}

function sshHost(pool: SessionPool, label: string, facts: HostFacts): Host {
  const { env, home } = facts;
  const lifetime = new AbortController();
  const { lost } = pool.main;
  lost.addEventListener('abort', () => lifetime.abort(lost.reason), { once: true });
  const running = new Set<HostProcess>();
  return {
    label,
    ...facts,
    signal: lifetime.signal,
    async spawn(command, options = {}) {
      throwIfAborted(options.signal, `start ${command.argv[0]}`);
      lifetime.signal.throwIfAborted();
      const checked = checkCommand({ env, home }, command);
      const marker = processMarker(randomUUID(), env[MARKER_NAME], checked.env[MARKER_NAME]);
      const marked = { ...checked, env: { ...checked.env, [MARKER_NAME]: marker.value } };
      const process = await startRemoteProcess(pool, { command: marked, markerIds: marker.ids }, options);
      running.add(process);
      void process.exit.then(() => running.delete(process));
      return process;
    },
    readFile: (path, options = {}) => readRemoteFile(pool, path, options),
    writeFile: (path, body, options = {}) => writeRemoteFile(pool, path, { body, ...options }),
    stat: (path, { followLinks = false } = {}) => statRemoteFile(pool, path, followLinks),
    list: (path) => listRemoteDirectory(pool, path),
    makeDirectory: (path, { mode } = {}) => makeRemoteDirectory(pool, path, mode),
    remove: (path, { recursive = false } = {}) => removeRemote(pool, path, recursive),
    rename: (from, to) => renameRemote(pool, from, to),
    link: (path, linkTarget, { hard = false } = {}) => linkRemote(pool, path, { target: linkTarget, hard }),
    readLink: (path) => readRemoteLink(pool, path),
    setMode: (path, mode) => setRemoteMode(pool, path, mode),
    setModified: (path, modifiedMs) => setRemoteModified(pool, path, modifiedMs),
    canonicalize: (path, { within } = {}) => canonicalRemotePath(pool, path, within),
    watch: (path, { signal }) => watchRemotePath(pool, path, signal),
    connect: (service, { signal } = {}) => connectRemotely(pool.main, service, signal),
    async [Symbol.asyncDispose]() {
      const processes = [...running];
      await Promise.all(processes.map((one) => one[Symbol.asyncDispose]()));
      lifetime.abort(new HostError('host-lost', `The host ${label} was closed.`));
      pool.close();
    },
  };
}
