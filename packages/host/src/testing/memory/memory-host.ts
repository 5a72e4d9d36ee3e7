import { abortedError, throwIfAborted } from '../../abort.ts';
import { checkCommand } from '../../check-command.ts';
import type { ConnectTarget, Host, HostConnection, HostPlatform } from '../../host.ts';
import { HostError } from '../../host-error.ts';
import { type HostPath, hostPath } from '../../host-path.ts';
import type { Command, HostProcess, SpawnOptions } from '../../process.ts';
import { createFileTree } from './file-tree.ts';
import { createMemoryFiles } from './memory-files.ts';
import { startMemoryProcess } from './memory-process.ts';
import type { MemoryProgram } from './memory-program.ts';
import { standardPrograms } from './standard-programs.ts';

/** Takes a connection to a service on a memory host; the other end is the caller's. */
export type MemoryService = (connection: HostConnection) => void;

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
  listen(target: ConnectTarget, service: MemoryService): () => void;
  /** Cuts the link: processes are lost, every operation fails with `host-lost`, `signal` aborts. */
  lose(cause?: Error): void;
}

/** A host that is nothing but memory, for tests: its programs are functions, so that every fault can be had on demand. */
export function createMemoryHost(options: MemoryHostOptions = {}): MemoryHost {
  const home = options.home ?? hostPath('/home/user');
  const tmp = hostPath('/tmp');
  const env = Object.freeze({ PATH: '/usr/bin', HOME: home, ...options.env });
  const programs = new Map(Object.entries({ ...standardPrograms, ...options.programs }));
  const services = new Map<string, MemoryService>();
  const lifetime = new AbortController();
  const tree = createFileTree(options.now ?? Date.now);
  const files = createMemoryFiles({ tree, uid: options.uid ?? 1000, hostSignal: lifetime.signal });
  for (const folder of [home, tmp]) plantFolders(tree, folder);
  const running = new Set<HostProcess>();
  let lastPid = 100;

  const spawn = async (command: Command, spawnOptions: SpawnOptions = {}): Promise<HostProcess> => {
    lifetime.signal.throwIfAborted();
    throwIfAborted(spawnOptions.signal, `start ${command.argv[0]}`);
    const { argv, cwd, env: childEnv } = checkCommand({ env, home }, command);
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
      if (signal?.aborted) throw abortedError(signal, 'connect');
      const service = services.get(serviceName(target));
      if (service === undefined)
        throw new HostError(
          'not-found',
          `Could not connect to ${serviceName(target)}: nothing listens there.`,
        );
      const [here, there] = connectionPair();
      service(there);
      return here;
    },
    listen(target, service) {
      services.set(serviceName(target), service);
      return () => void services.delete(serviceName(target));
    },
    lose(cause = new HostError('host-lost', 'The link to the memory host was cut.')) {
      lifetime.abort(
        cause instanceof HostError ? cause : new HostError('host-lost', cause.message, { cause }),
      );
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...running].map((one) => one.end()));
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

function serviceName(target: ConnectTarget): string {
  return 'socket' in target ? target.socket : `${target.address ?? '127.0.0.1'}:${target.port}`;
}

function connectionPair(): [HostConnection, HostConnection] {
  const up = new TransformStream<Uint8Array, Uint8Array>();
  const down = new TransformStream<Uint8Array, Uint8Array>();
  const end = (
    readable: ReadableStream<Uint8Array>,
    writable: WritableStream<Uint8Array>,
  ): HostConnection => ({
    readable,
    writable,
    async [Symbol.asyncDispose]() {
      if (!readable.locked) await readable.cancel().catch(() => undefined);
      if (!writable.locked) await writable.abort().catch(() => undefined);
    },
  });
  return [end(down.readable, up.writable), end(up.readable, down.writable)];
}
