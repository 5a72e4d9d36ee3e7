import { throwIfAborted } from '../../abort.ts';
import { checkCommand, checkSpawnOptions } from '../../check-command.ts';
import type { ConnectTarget, Host, HostListener, HostPlatform } from '../../host.ts';
import { HostError } from '../../host-error.ts';
import { type HostPath, hostPath } from '../../host-path.ts';
import { placeName } from '../../listen-place.ts';
import type { Command, HostProcess, SpawnOptions } from '../../process.ts';
import { createFileTree, ifThere } from './file-tree.ts';
import { createMemoryFiles } from './memory-files.ts';
import { startMemoryProcess } from './memory-process.ts';
import type { MemoryProgram } from './memory-program.ts';
import { createMemoryServices, type MemoryService } from './memory-services.ts';
import { standardPrograms } from './standard-programs.ts';

export interface MemoryHostOptions {
  /** By name, or by absolute path. They come on top of `standardPrograms`. */
  readonly programs?: Readonly<Record<string, MemoryProgram>>;
  readonly env?: Readonly<Record<string, string>>;
  /** `/home/user` by default. */
  readonly home?: HostPath;
  readonly uid?: number;
  readonly label?: string;
  readonly platform?: HostPlatform;
  /** The host's clock, in milliseconds since the epoch. */
  readonly now?: () => number;
}

export interface MemoryHost extends Host {
  /** Starts a service that `connect` reaches; gives the function that stops it. */
  serve(target: ConnectTarget, service: MemoryService): () => void;
  /** Cuts the link: processes are lost, every operation fails with `host-lost`, `signal` aborts. */
  lose(cause?: Error): void;
}

/** A host that is nothing but memory, for tests: its programs are functions, so that every fault can be had on demand. */
export function createMemoryHost(options: MemoryHostOptions = {}): MemoryHost {
  const home = options.home ?? hostPath('/home/user');
  const tmp = hostPath('/tmp');
  const env = Object.freeze({ PATH: '/usr/bin', HOME: home, ...options.env });
  const programs = new Map(Object.entries({ ...standardPrograms, ...options.programs }));
  const lifetime = new AbortController();
  const tree = createFileTree(options.now ?? Date.now);
  const files = createMemoryFiles({ tree, uid: options.uid ?? 1000, hostSignal: lifetime.signal });
  for (const folder of [home, tmp]) plantFolders(tree, folder);
  const services = createMemoryServices({
    hostSignal: lifetime.signal,
    plantSocket: (path) => plantSocket(tree, path),
  });
  const running = new Set<HostProcess>();
  const listeners = new Set<HostListener>();
  let lastPid = 100;

  const spawn = async (command: Command, spawnOptions: SpawnOptions = {}): Promise<HostProcess> => {
    lifetime.signal.throwIfAborted();
    throwIfAborted(spawnOptions.signal, `start ${command.argv[0]}`);
    const { argv, cwd, env: childEnv } = checkCommand({ env, home }, command);
    checkSpawnOptions(spawnOptions);
    const folder = await files.stat(cwd, { followLinks: true });
    if (folder === undefined)
      throw new HostError('not-found', `Could not start ${argv[0]} in ${cwd}: there is no such folder.`);
    if (folder.kind !== 'directory')
      throw new HostError('not-a-directory', `Could not start ${argv[0]} in ${cwd}: it is no folder.`);
    const program = programs.get(argv[0]);
    if (program === undefined) {
      const there = await files.stat(hostPath(`/${argv[0]}`));
      const code =
        argv[0].startsWith('/') && there !== undefined ? 'command-not-executable' : 'command-not-found';
      throw new HostError(code, `Could not start ${argv[0]}: the memory host has no such program.`);
    }
    throwIfAborted(spawnOptions.signal, `start ${argv[0]}`);
    lastPid += 1;
    const process = startMemoryProcess({
      pid: lastPid,
      program,
      argv,
      cwd,
      env: childEnv,
      options: spawnOptions,
      hostSignal: lifetime.signal,
    });
    running.add(process);
    void process.exit.then(() => running.delete(process));
    return process;
  };

  return {
    label: options.label ?? 'memory',
    platform: options.platform ?? { os: 'linux', arch: 'x64' },
    home,
    tmp,
    uid: options.uid ?? 1000,
    env,
    signal: lifetime.signal,
    ...files,
    spawn,
    async connect(target, { signal } = {}) {
      lifetime.signal.throwIfAborted();
      throwIfAborted(signal, `connect to ${placeName(target)}`);
      return services.connect(target);
    },
    async listen(place, { signal } = {}) {
      lifetime.signal.throwIfAborted();
      throwIfAborted(signal, `listen on ${placeName(place)}`);
      const listener = services.listen(place);
      listeners.add(listener);
      listener.signal.addEventListener('abort', () => listeners.delete(listener), { once: true });
      return listener;
    },
    serve: services.serve,
    lose(cause = new HostError('host-lost', 'The link to the memory host was cut.')) {
      lifetime.abort(
        cause instanceof HostError ? cause : new HostError('host-lost', cause.message, { cause }),
      );
    },
    async [Symbol.asyncDispose]() {
      const closing = [...listeners].map((one) => one[Symbol.asyncDispose]());
      await Promise.all([...closing, ...[...running].map((one) => one.end())]);
      lifetime.abort(new HostError('host-lost', 'The memory host was closed.'));
    },
  };
}

function plantFolders(tree: ReturnType<typeof createFileTree>, path: HostPath): void {
  const segments = path.slice(1).split('/');
  for (let depth = 1; depth <= segments.length; depth += 1) {
    const place = tree.resolve(hostPath(`/${segments.slice(0, depth).join('/')}`), true);
    if (place.node === undefined) tree.put(place, tree.createDirectory(0o755));
  }
}

function plantSocket(tree: ReturnType<typeof createFileTree>, path: HostPath): () => void {
  const place = tree.resolve(path, false);
  if (place.node !== undefined) {
    throw new HostError('already-exists', `Could not listen on ${path}: it is taken.`);
  }
  const node = tree.createSocket();
  tree.put(place, node);
  return () => {
    const now = ifThere(() => tree.resolve(path, false));
    if (now?.node === node) tree.take(now);
  };
}
