import { randomUUID } from 'node:crypto';
import { homedir, hostname, userInfo } from 'node:os';
import { abortedError, throwIfAborted } from '../abort.ts';
import { checkCommand, checkSpawnOptions } from '../check-command.ts';
import { type Environment, SAFE_ENVIRONMENT_NAMES, safeEnvironment } from '../environment.ts';
import type { Host, HostListener, HostPlatform } from '../host.ts';
import { HostError } from '../host-error.ts';
import { type HostPath, hostPath } from '../host-path.ts';
import type { Command, HostProcess, SpawnOptions } from '../process.ts';
import { MARKER_NAME, processMarker } from '../process-marker.ts';
import { canonicalLocalPath } from './canonical-path.ts';
import {
  linkLocal,
  makeLocalDirectory,
  readLocalLink,
  removeLocal,
  renameLocal,
  setLocalMode,
  setLocalModified,
} from './change-files.ts';
import { connectLocally } from './connect.ts';
import { readControllerEnvironment } from './controller-environment.ts';
import { statLocalFile } from './file-stat.ts';
import { hostProcess } from './host-process.ts';
import { listLocalDirectory } from './list-directory.ts';
import { listenLocally } from './listen.ts';
import { startPipeProcess } from './pipe-process.ts';
import { startPtyProcess } from './pty-process.ts';
import { readLocalFile } from './read-file.ts';
import { readLocalFiles } from './read-files.ts';
import { watchLocalPath } from './watch-path.ts';
import { writeLocalFile } from './write-file.ts';

export interface LocalHostOptions {
  /** What the host's environment is made from, instead of the program's own. The safe list applies to it. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** More names (globs) that children may inherit. A name that looks like a credential's stays out all the same. */
  readonly inherit?: readonly string[];
  /** Instead of the user's home. */
  readonly home?: HostPath;
}

/** The machine that this program runs on, as the user that it runs as. Does no I/O before it is used. */
export function createLocalHost(options: LocalHostOptions = {}): Host {
  const source = options.env ?? readControllerEnvironment();
  const home = hostPath(options.home ?? (source['HOME'] || homedir()));
  const env: Environment = Object.freeze({
    ...safeEnvironment(source, [...SAFE_ENVIRONMENT_NAMES, ...(options.inherit ?? [])]),
    HOME: home,
  });
  const lifetime = new AbortController();
  const running = new Set<HostProcess>();
  const listeners = new Set<HostListener>();

  const spawn = async (command: Command, spawnOptions: SpawnOptions = {}): Promise<HostProcess> => {
    throwIfAborted(spawnOptions.signal, `start ${command.argv[0]}`);
    lifetime.signal.throwIfAborted();
    const checked = checkCommand({ env, home }, command);
    checkSpawnOptions(spawnOptions);
    const marker = processMarker(randomUUID(), env[MARKER_NAME], checked.env[MARKER_NAME]);
    const request = { ...checked, env: { ...checked.env, [MARKER_NAME]: marker.value } };
    const { pty } = spawnOptions;
    const started = pty === undefined ? await startPipeProcess(request) : await startPtyProcess(request, pty);
    const process = hostProcess(started, marker.ids, spawnOptions);
    running.add(process);
    void process.exit.then(() => running.delete(process));
    const { signal, graceMs } = spawnOptions;
    if (signal?.aborted) {
      await process.end({ from: 'term', ...(graceMs !== undefined && { graceMs }) });
      throw abortedError(signal, `start ${command.argv[0]}`);
    }
    return process;
  };

  return {
    label: `local:${hostname()}`,
    platform: localPlatform(),
    home,
    uid: process.getuid?.() ?? userInfo().uid,
    tmp: hostPath(source['TMPDIR'] || '/tmp'),
    env,
    signal: lifetime.signal,
    spawn,
    readFile: (path, readOptions = {}) => readLocalFile(path, readOptions),
    writeFile: (path, body, writeOptions = {}) => writeLocalFile(path, body, writeOptions),
    stat: (path, { followLinks = false } = {}) => statLocalFile(path, followLinks),
    list: listLocalDirectory,
    makeDirectory: (path, { mode } = {}) => makeLocalDirectory(path, mode),
    remove: (path, { recursive = false } = {}) => removeLocal(path, recursive),
    rename: renameLocal,
    link: (path, target, { hard = false } = {}) => linkLocal(path, target, hard),
    readLink: readLocalLink,
    setMode: setLocalMode,
    setModified: setLocalModified,
    canonicalize: (path, { within } = {}) => canonicalLocalPath(path, within),
    readFiles: (root, files, { signal } = {}) =>
      readLocalFiles(root, files, { hostSignal: lifetime.signal, ...(signal && { signal }) }),
    watch: (path, { signal }) => watchLocalPath(path, { signal, hostSignal: lifetime.signal }),
    connect: (target, { signal } = {}) => connectLocally(target, signal),
    async listen(place, { signal } = {}) {
      const listener = await listenLocally(place, { signal, hostSignal: lifetime.signal });
      listeners.add(listener);
      listener.signal.addEventListener('abort', () => listeners.delete(listener), { once: true });
      return listener;
    },
    async [Symbol.asyncDispose]() {
      const ending = [...running, ...listeners].map((one) => one[Symbol.asyncDispose]());
      lifetime.abort(new HostError('host-lost', 'The local host was closed.'));
      await Promise.all(ending);
    },
  };
}

/** @throws {HostError} `unsupported` on other systems than Linux and macOS. */
function localPlatform(): HostPlatform {
  const { platform, arch } = process;
  if ((platform === 'linux' || platform === 'darwin') && (arch === 'x64' || arch === 'arm64'))
    return { os: platform, arch };
  throw new HostError(
    'unsupported',
    `This machine (${platform} on ${arch}) cannot run tasks: Linux or macOS on x64 or arm64 can.`,
  );
}
