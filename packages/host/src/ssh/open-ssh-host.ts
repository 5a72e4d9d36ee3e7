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
import { connectRemotely } from './connect.ts';
import { createConnector } from './connection.ts';
import { readRemoteFile } from './read-file.ts';
import { startRemoteProcess } from './remote-process.ts';
import { scriptOutput } from './script-output.ts';
import type { SshDestination } from './ssh-destination.ts';
import { createSshLink, type SshLink } from './ssh-link.ts';
import { watchRemotePath } from './watch-path.ts';
import { writeRemoteFile } from './write-file.ts';

export interface SshHostOptions extends SshDestination {
  /** More names (globs) of the login's environment that children may inherit. A name that looks like a credential's stays out all the same. */
  readonly inherit?: readonly string[];
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
  const connector = createConnector(options);
  const main = await connector.connect(options.signal);
  const link = createSshLink(main, {
    connect: () => connector.connect(),
    maxConnections: options.maxConnections ?? 8,
    waitMs: options.waitMs ?? 30_000,
  });
  try {
    const facts = await askFacts(link, options.inherit ?? []);
    return sshHost(link, connector.label, facts);
  } catch (failure) {
    link.close();
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

async function askFacts(link: SshLink, inherit: readonly string[]): Promise<HostFacts> {
  const attempt = 'get to know the host';
  const script = `printf '%s\\0' "$(uname -s)" "$(uname -m)" "$(id -u)" && env -0`;
  const output = await scriptOutput(link, script, { attempt, loginEnvironment: true });
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

function sshHost(link: SshLink, label: string, facts: HostFacts): Host {
  const { env, home } = facts;
  const lifetime = new AbortController();
  const { lost } = link.main;
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
      const process = await startRemoteProcess(link, { command: marked, markerIds: marker.ids }, options);
      running.add(process);
      void process.exit.then(() => running.delete(process));
      return process;
    },
    readFile: (path, options = {}) => readRemoteFile(link, path, options),
    writeFile: (path, body, options = {}) => writeRemoteFile(link, path, { body, ...options }),
    stat: (path, { followLinks = false } = {}) => statRemoteFile(link, path, followLinks),
    list: (path) => listRemoteDirectory(link, path),
    makeDirectory: (path, { mode } = {}) => makeRemoteDirectory(link, path, mode),
    remove: (path, { recursive = false } = {}) => removeRemote(link, path, recursive),
    rename: (from, to) => renameRemote(link, from, to),
    link: (path, linkTarget, { hard = false } = {}) => linkRemote(link, path, { target: linkTarget, hard }),
    readLink: (path) => readRemoteLink(link, path),
    setMode: (path, mode) => setRemoteMode(link, path, mode),
    setModified: (path, modifiedMs) => setRemoteModified(link, path, modifiedMs),
    canonicalize: (path, { within } = {}) => canonicalRemotePath(link, path, within),
    watch: (path, { signal }) => watchRemotePath(link, path, signal),
    connect: (service, { signal } = {}) => connectRemotely(link.main, service, signal),
    async [Symbol.asyncDispose]() {
      const processes = [...running];
      await Promise.all(processes.map((one) => one[Symbol.asyncDispose]()));
      lifetime.abort(new HostError('host-lost', `The host ${label} was closed.`));
      link.close();
    },
  };
}
