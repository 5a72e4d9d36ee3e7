import { randomUUID } from 'node:crypto';
import { throwIfAborted } from '../abort.ts';
import { checkCommand, checkSpawnOptions } from '../check-command.ts';
import { type Environment, SAFE_ENVIRONMENT_NAMES, safeEnvironment } from '../environment.ts';
import type { Host, HostListener, HostPlatform } from '../host.ts';
import { HostError } from '../host-error.ts';
import { type HostPath, hostPath } from '../host-path.ts';
import { decodeHostPathBytes } from '../host-path-bytes.ts';
import { checkCount, checkTime, timerMs } from '../option-values.ts';
import type { HostProcess, SpawnOptions } from '../process.ts';
import { MARKER_NAME, processMarker } from '../process-marker.ts';
import { createConnector } from './connection/connection.ts';
import type { SshDestination } from './connection/ssh-destination.ts';
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
} from './files/arrange-files.ts';
import { readRemoteFile } from './files/read-file.ts';
import { watchRemotePath } from './files/watch-path.ts';
import { writeRemoteFile } from './files/write-file.ts';
import type { LinkChange } from './link/link-change.ts';
import { createSshLink, type SshLink } from './link/ssh-link.ts';
import { type DurableRequest, startDurableProcess } from './process/durable/durable-process.ts';
import { startRemoteProcess } from './process/remote-process.ts';
import { connectRemotely } from './tunnel/connect.ts';
import { listenRemotely } from './tunnel/listen.ts';

export interface SshHostOptions extends SshDestination {
  /** More names (globs) of the login's environment that children may inherit. A name that looks like a credential's stays out all the same. */
  readonly inherit?: readonly string[];
  /** How many connections may be open at once; each holds up to 10 commands (less where the host allows less). 8 by default. */
  readonly maxConnections?: number;
  /** How long an operation waits for a free place, or for the link to come back, in milliseconds. 30,000 by default. */
  readonly waitMs?: number;
  /**
   * How long a file operation may take, and how long the host may take to start a command, to connect or to listen, in milliseconds; then it fails with `timeout`.
   * What streams, and what removes whole trees, takes as long as it takes. 60,000 by default.
   */
  readonly operationTimeoutMs?: number;
  /** After how long a further connection that nobody uses is closed, in milliseconds. 30,000 by default. */
  readonly idleMs?: number;
  /** For how long a host that cannot be reached any more is tried again, in milliseconds; then it is gone for good. Ten minutes by default, `Infinity` for ever. */
  readonly reconnectForMs?: number;
  /** Told when the link breaks, comes back, or is given up. */
  readonly onLinkChange?: (change: LinkChange) => void;
  /** Stops the connecting. */
  readonly signal?: AbortSignal;
}

/**
 * A Linux machine that is reached through SSH, as the user that logs in. It needs a POSIX shell, coreutils and grep there, and sshd's own exec sessions.
 * When a connection breaks, what ran over it is lost and is ended; the host is connected to anew, and what can be repeated is.
 *
 * @throws {HostError} `host-key-unknown`, `host-key-changed`, `permission-denied`, `timeout`, `host-lost`, `aborted`, `unsupported`, `invalid-config`.
 */
export async function openSshHost(options: SshHostOptions): Promise<Host> {
  const connector = createConnector(options);
  checkCount(options.maxConnections, 'maxConnections', 1);
  for (const option of ['waitMs', 'idleMs', 'reconnectForMs'] as const) checkTime(options[option], option);
  checkTime(options.operationTimeoutMs, 'operationTimeoutMs', 1);
  const first = await connector.connect(options.signal);
  const link = createSshLink(first, {
    connector,
    maxConnections: options.maxConnections ?? 8,
    waitMs: timerMs(options.waitMs ?? 30_000),
    operationTimeoutMs: timerMs(options.operationTimeoutMs ?? 60_000),
    idleMs: timerMs(options.idleMs ?? 30_000),
    reconnectForMs: options.reconnectForMs ?? 600_000,
    onChange: options.onLinkChange ?? (() => undefined),
  });
  try {
    const facts = hostFacts(await (await link.control()).login, options.inherit ?? []);
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

/** `login` is what the control shell tells of who has logged in. */
function hostFacts(login: Buffer, inherit: readonly string[]): HostFacts {
  const [first = '', ...entries] = decodeHostPathBytes(login).split('\0');
  const [, os = '', arch = '', uid, firstEntry = ''] =
    /^\n?([^\n]*)\n([^\n]*)\n([^\n]*)\n(.*)$/s.exec(first) ?? [];
  const variables: Record<string, string> = Object.create(null);
  for (const entry of [firstEntry, ...entries]) {
    const at = entry.indexOf('=');
    if (at > 0) variables[entry.slice(0, at)] = entry.slice(at + 1);
  }
  const home = hostPath(variables['HOME'] ?? '/');
  const env = safeEnvironment(variables, [...SAFE_ENVIRONMENT_NAMES, ...inherit]);
  return {
    platform: platformOf(os, arch),
    uid: Number(uid),
    home,
    tmp: hostPath(variables['TMPDIR'] || '/tmp'),
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
  const running = new Set<HostProcess>();
  const listeners = new Set<HostListener>();
  const removals = new Set<() => Promise<void>>();
  return {
    label,
    ...facts,
    signal: link.lost,
    async spawn(command, options = {}) {
      throwIfAborted(options.signal, `start ${command.argv[0]}`);
      link.lost.throwIfAborted();
      const checked = checkCommand({ env, home }, command);
      checkSpawnOptions(options);
      const marker = processMarker(randomUUID(), env[MARKER_NAME], checked.env[MARKER_NAME]);
      const marked = { ...checked, env: { ...checked.env, [MARKER_NAME]: marker.value } };
      const request = { command: marked, markerIds: marker.ids, removals };
      const process =
        (await durableProcess(link, request, options)) ?? (await startRemoteProcess(link, request, options));
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
    connect: async (service, { signal } = {}) =>
      await connectRemotely(await link.connection(signal), service, {
        signal,
        withinMs: link.answerWithinMs,
      }),
    async listen(place, { signal } = {}) {
      const listener = await listenRemotely(link, place, signal);
      listeners.add(listener);
      listener.signal.addEventListener('abort', () => listeners.delete(listener), { once: true });
      return listener;
    },
    async [Symbol.asyncDispose]() {
      const ended = await Promise.allSettled(
        [...running, ...listeners].map((one) => one[Symbol.asyncDispose]()),
      );
      await Promise.all([...removals].map((remove) => remove()));
      link.close();
      for (const one of ended) if (one.status === 'rejected') throw one.reason;
    },
  };
}

async function durableProcess(
  link: SshLink,
  request: Omit<DurableRequest, 'folder' | 'signal' | 'graceMs'>,
  { durable, pty, signal, graceMs }: SpawnOptions,
): Promise<HostProcess | undefined> {
  if (durable === undefined || pty !== undefined) return undefined;
  return await startDurableProcess(link, { ...request, folder: durable.folder, signal, graceMs });
}
