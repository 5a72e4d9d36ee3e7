import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { type BlobStore, createKeyring } from '@seedbed/blob-store';
import { openDirectoryBlobStore } from '@seedbed/blob-store/directory';
import { createSnapshots, type Snapshots } from '../src/index.ts';
import { openSqliteSnapshotIndex } from '../src/sqlite/index.ts';

/** What the measured folder is made of. */
export interface TreeSize {
  readonly files: number;
  /** Of each file, on the average. */
  readonly fileBytes: number;
}

/** Text that looks like source: it compresses about as source does, and no two files are alike. */
export async function plantSourceTree(folder: string, { files, fileBytes }: TreeSize): Promise<void> {
  for (let number = 0; number < files; number += 1) {
    const place = join(folder, `package-${number % 40}`, `module-${number % 7}`);
    await mkdir(place, { recursive: true });
    const size = Math.round(fileBytes * (0.2 + ((number * 37) % 160) / 100));
    await writeFile(join(place, `file-${number}.ts`), sourceText(size, number));
  }
}

const WORDS =
  'export const function return await value index type string number readonly interface while'.split(' ');

function sourceText(bytes: number, seed: number): string {
  const lines: string[] = [];
  let state = seed + 1;
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 8;
  };
  for (let length = 0; length < bytes; ) {
    const line = `  ${WORDS[next() % WORDS.length]} name${next() % 5_000} = ${WORDS[next() % WORDS.length]}(${next()});`;
    lines.push(line);
    length += line.length + 1;
  }
  return lines.join('\n').slice(0, bytes);
}

export interface EmbeddedStore extends AsyncDisposable {
  readonly blobs: BlobStore;
  /** As a program that has just been started. */
  anew(): Snapshots;
  /** Removes all that was stored. */
  clear(): Promise<void>;
}

/** Sealed, in a folder. */
export async function openEmbeddedStore(): Promise<EmbeddedStore> {
  const folder = await mkdtemp(join(tmpdir(), 'seedbed-bench-store-'));
  const blobs = await openDirectoryBlobStore({ folder: join(folder, 'blobs') });
  const index = openSqliteSnapshotIndex({ file: join(folder, 'index.sqlite') });
  const encryption = createKeyring({ current: 'k', keys: { k: Buffer.alloc(32, 1) } });
  const anew = (): Snapshots => createSnapshots({ index, blobs, encryption });
  return {
    blobs,
    anew,
    clear: () => anew().remove('bench'),
    async [Symbol.asyncDispose]() {
      index[Symbol.dispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function isOnPath(program: string): Promise<boolean> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const found = await access(join(folder, program)).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}

/** Runs a tool to its end, without its output. */
export async function runTool(
  argv: readonly [string, ...string[]],
  { signal, env = {} }: { readonly signal: AbortSignal; readonly env?: Readonly<Record<string, string>> },
): Promise<void> {
  const [program, ...args] = argv;
  const child = spawn(program, args, {
    signal,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said = `${said}${chunk}`.slice(-2_000);
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${argv.join(' ')} exited with ${code}: ${said}`);
}
