import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { type CodexVersion, codexRelease, createBinaryCache } from '@seedbed/binary-cache';
import { npmRegistrySource } from '@seedbed/binary-cache/npm-registry';
import { type Host, hostPath, type ProcessExit, run } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';

/** Long enough for a first download: give it to the hook that calls {@link fetchCodex} before the tests. */
export const downloadTimeout = 600_000;

/** Puts Codex into the user's cache, which the demonstrations of these tests use. */
export async function fetchCodex(version: CodexVersion): Promise<void> {
  await using host = createLocalHost();
  await createBinaryCache({ sources: [npmRegistrySource()] }).ensure(host, codexRelease(version));
}

/** The demonstration as a process of its own. */
export interface DemoProcess extends AsyncDisposable {
  /** Where the sample is made. */
  readonly workdir: string;
  /** When it has ended, and all that it printed was read. */
  readonly exit: Promise<ProcessExit>;
  /** What was printed so far, as text. */
  printed(): string;
  /** Resolves when that contains `text`. */
  waitFor(text: string): Promise<void>;
  type(keys: string): Promise<void>;
  /** The command lines of all processes that have to do with this sample. */
  processes(): Promise<readonly string[]>;
  source(): Promise<string>;
}

export interface DemoProcessOptions {
  /** Gives it a terminal of so many columns; else a pipe. */
  readonly columns?: number;
  /** Whether somebody goes on reading what it prints, or goes away after the first line. */
  readonly reader?: 'stays' | 'leaves';
}

const main = join(import.meta.dirname, '../src/main.ts');

export async function startDemo(
  args: readonly string[],
  { columns, reader = 'stays' }: DemoProcessOptions = {},
): Promise<DemoProcess> {
  await using stack = new AsyncDisposableStack();
  const host = stack.use(createLocalHost());
  // Not below the machine's temporary folder, where Codex refuses to keep its helpers.
  const folder = stack.adopt(await mkdtemp('/var/tmp/seedbed-demo-'), (path) =>
    rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }),
  );
  // Inside of another repository, as where people run it.
  await mkdir(join(folder, '.git/objects'), { recursive: true });
  await mkdir(join(folder, '.git/refs'));
  await writeFile(join(folder, '.git/HEAD'), 'ref: refs/heads/main\n');
  const workdir = join(folder, 'basket');
  const cache = process.env['CODEX_CACHE_DIR'] ?? join(cacheHome(host), 'seedbed/bin');
  const argv = [process.execPath, main, '--workdir', workdir, ...args] as const;
  const child = stack.use(
    await host.spawn(
      {
        argv:
          reader === 'stays' ? argv : ['/bin/bash', '-c', 'set -o pipefail; "$@" | head -1', 'bash', ...argv],
        cwd: hostPath(folder),
        env: { CODEX_CACHE_DIR: cache },
      },
      columns === undefined ? {} : { pty: { columns, rows: 50, term: 'xterm-256color' } },
    ),
  );
  const { waiting, text, ended } = collect(child.stdout, child.stderr);
  const writer = child.stdin.getWriter();
  if (columns === undefined) await writer.close();
  const owned = stack.move();
  return {
    workdir,
    exit: child.closed.then(async (exit) => {
      await ended;
      return exit;
    }),
    printed: () => stripVTControlCharacters(text()),
    waitFor: waiting,
    type: (keys) => writer.write(new TextEncoder().encode(keys)),
    async processes() {
      const { stdout } = await run(host, { argv: ['ps', '-eo', 'args'] });
      return stdout.split('\n').filter((line) => line.includes(folder));
    },
    source: () => readFile(join(workdir, 'src/basket.js'), 'utf8'),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function cacheHome(host: Host): string {
  return host.env['XDG_CACHE_HOME'] ?? join(host.home, '.cache');
}

function collect(...streams: readonly ReadableStream<Uint8Array>[]) {
  let printed = '';
  const changes = new Set<() => void>();
  const ended = Promise.allSettled(streams.map(read));
  async function read(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
      printed += chunk;
      for (const changed of changes) changed();
    }
  }
  return {
    text: () => printed,
    /** When all has been read that there is. */
    ended,
    waiting: (text: string): Promise<void> =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!stripVTControlCharacters(printed).includes(text)) return;
          changes.delete(look);
          resolve();
        };
        changes.add(look);
        look();
      }),
  };
}
