import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Host, ReadOptions } from '../host.ts';
import { type HostPath, joinHostPath } from '../host-path.ts';
import { createLocalHost } from './local-host.ts';

async function withFile(
  bytes: Uint8Array,
  use: (host: Host, path: HostPath) => Promise<void>,
): Promise<void> {
  await using host = createLocalHost();
  const path = joinHostPath(host.tmp, `seedbed-${randomBytes(8).toString('hex')}`);
  await host.writeFile(path, bytes);
  try {
    await use(host, path);
  } finally {
    await host.remove(path);
  }
}

/** Reads with one piece of memory of the reader's own. */
async function readInto(size: number, stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  const reader = stream.getReader({ mode: 'byob' });
  const taken: Buffer[] = [];
  for (let memory = new ArrayBuffer(size); ; ) {
    const { done, value } = await reader.read(new Uint8Array(memory));
    if (done || value === undefined) return Buffer.concat(taken);
    taken.push(Buffer.from(value));
    memory = value.buffer;
  }
}

describe('a file of this machine', () => {
  const bytes = randomBytes(100_000);

  it.each<readonly [string, ReadOptions, Buffer]>([
    ['all of it', {}, bytes],
    ['a part', { offset: 10, length: 50_000 }, bytes.subarray(10, 50_010)],
    ['what is there of a part', { offset: 99_990, length: 50_000 }, bytes.subarray(99_990)],
    ['nothing', { length: 0 }, Buffer.alloc(0)],
    ['what is behind its end', { offset: 200_000 }, Buffer.alloc(0)],
  ])('is read into the memory that the reader brings: %s', async (_, options, expected) => {
    await withFile(bytes, async (host, path) => {
      for (const size of [1_000, 16_384, 300_000]) {
        const read = await readInto(size, await host.readFile(path, options));
        expect(read.equals(expected)).toBe(true);
      }
    });
  });

  it('fails with the signal also while memory is being filled', async () => {
    await withFile(bytes, async (host, path) => {
      const stop = new AbortController();
      const stream = await host.readFile(path, { signal: stop.signal });
      const reading = readInto(1_000, stream);
      stop.abort();
      await expect(reading).rejects.toMatchObject({ code: 'aborted' });
    });
  });
});
