// Usage: node --expose-gc live-memory-child.ts <folder> <files>. Saves a folder of so many small files, and prints what lives afterwards for each of them, in bytes.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createKeyring } from '@seedbed/blob-store';
import { openDirectoryBlobStore } from '@seedbed/blob-store/directory';
import { hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { createSnapshots } from '../src/index.ts';
import { createMemorySnapshotIndex } from '../src/testing/index.ts';

export interface LiveMemory {
  /** In V8's heap. */
  readonly heapBytes: number;
  /** In buffers outside of it. */
  readonly bufferBytes: number;
}

async function measure(folder: string, files: number): Promise<LiveMemory> {
  await using host = createLocalHost();
  const snapshots = createSnapshots({
    index: createMemorySnapshotIndex(),
    blobs: await openDirectoryBlobStore({ folder: join(folder, 'blobs') }),
    encryption: createKeyring({ current: 'k', keys: { k: Buffer.alloc(32, 1) } }),
  });
  const save = async (task: string, count: number): Promise<LiveMemory> => {
    await plant(join(folder, task), count);
    await snapshots.save(host, hostPath(join(folder, task)), { task, exclude: [] });
    return live();
  };
  // What the program takes by itself is there after a first save.
  const before = await save('small', files / 2);
  const after = await save('large', files);
  return {
    heapBytes: (after.heapBytes - before.heapBytes) / files,
    bufferBytes: (after.bufferBytes - before.bufferBytes) / files,
  };
}

async function plant(folder: string, files: number): Promise<void> {
  for (let number = 0; number < files; number += 1) {
    const place = join(folder, `folder-${number % 20}`);
    if (number < 20) await mkdir(place, { recursive: true });
    await writeFile(
      join(place, `a-file-with-an-ordinary-name-${number}.ts`),
      `export const it = ${number};\n`,
    );
  }
}

function live(): LiveMemory {
  for (let round = 0; round < 3; round += 1) globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { heapBytes: heapUsed, bufferBytes: arrayBuffers };
}

const [folder, files] = process.argv.slice(2);
if (import.meta.main && folder !== undefined)
  process.stdout.write(JSON.stringify(await measure(folder, Number(files))));
