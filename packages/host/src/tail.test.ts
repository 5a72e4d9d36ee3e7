import { randomUUID } from 'node:crypto';
import { appendFile, writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Host, HostError, type HostFiles, type HostPath, joinHostPath } from './index.ts';
import { createLocalHost } from './local/index.ts';
import { tail } from './tail.ts';

const lost = (): HostError => new HostError('host-lost', 'the link broke');

describe('a file that is followed through a link that breaks', () => {
  it('comes whole and once, wherever the link breaks', async () => {
    await using local = createLocalHost();
    const breaks = fc.array(fc.record({ stat: fc.boolean(), watch: fc.boolean(), bytes: fc.nat(40) }), {
      maxLength: 4,
    });
    const writes = fc.array(fc.string({ minLength: 1, maxLength: 30 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(breaks, writes, async (planned, texts) => {
        await using scratch = await scratchFile(local);
        const { path } = scratch;
        const written = texts.join('');
        const seen: string[] = [];
        const controller = new AbortController();
        let expectedOffset = 0;
        const following = (async () => {
          for await (const { offset, bytes } of tail(breaking(local, planned), path, {
            signal: controller.signal,
          })) {
            expect(offset).toBe(expectedOffset);
            expectedOffset += bytes.byteLength;
            seen.push(Buffer.from(bytes).toString('latin1'));
          }
        })();
        for (const text of texts) await appendFile(path, text);
        controller.abort();
        await following;
        expect(Buffer.from(seen.join(''), 'latin1').toString()).toBe(written);
      }),
      { numRuns: 15 },
    );
  }, 60_000);

  it('begins at the end that it had when it was first seen, not when the link came back', async () => {
    await using local = createLocalHost();
    await using scratch = await scratchFile(local);
    await writeFile(scratch.path, 'old ');
    const controller = new AbortController();
    const host = breaking(local, [{ stat: false, watch: true, bytes: 0 }]);
    let text = '';
    for await (const { bytes } of tail(
      { ...host, watch: writingFirst(host.watch, () => appendFile(scratch.path, 'new')) },
      scratch.path,
      { signal: controller.signal, from: 'end' },
    )) {
      text += Buffer.from(bytes).toString();
      if (text.length >= 3) controller.abort();
    }
    expect(text).toBe('new');
  });

  it('ends with an error when the host is gone, or nobody knows whether it is', async () => {
    await using local = createLocalHost();
    await using scratch = await scratchFile(local);
    await writeFile(scratch.path, 'text');
    const always = Array.from({ length: 100 }, () => ({ stat: false, watch: true, bytes: 0 }));
    const follow = async (host: Host | HostFiles): Promise<unknown[]> =>
      await Array.fromAsync(tail(host, scratch.path, { signal: new AbortController().signal }));
    const gone = { ...breaking(local, always), signal: AbortSignal.abort(lost()) };
    await expect(follow(gone)).rejects.toMatchObject({ code: 'host-lost' });
    const { signal: _, ...unknown } = breaking(local, always);
    await expect(follow(unknown)).rejects.toMatchObject({ code: 'host-lost' });
  });
});

interface Break {
  readonly stat: boolean;
  readonly watch: boolean;
  /** After how many bytes a read fails. */
  readonly bytes: number;
}

/** The same host behind a link that breaks as planned, and comes back at once. */
function breaking(host: Host, planned: readonly Break[]): Host {
  const pending = [...planned];
  return {
    ...host,
    async stat(path, options) {
      if (pending[0]?.stat) {
        pending.shift();
        throw lost();
      }
      return await host.stat(path, options);
    },
    async *watch(path, options) {
      if (pending[0]?.watch) {
        pending.shift();
        throw lost();
      }
      yield* host.watch(path, options);
    },
    async readFile(path, options) {
      const source = await host.readFile(path, options);
      const next = pending.shift();
      return next === undefined ? source : source.pipeThrough(failingAfter(next.bytes));
    },
  };
}

function failingAfter(bytes: number): TransformStream<Uint8Array, Uint8Array> {
  let left = bytes;
  return new TransformStream({
    transform(chunk, controller) {
      if (chunk.length <= left) {
        left -= chunk.length;
        controller.enqueue(chunk);
        return;
      }
      if (left > 0) controller.enqueue(chunk.subarray(0, left));
      controller.error(lost());
    },
  });
}

function writingFirst(watch: HostFiles['watch'], write: () => Promise<void>): HostFiles['watch'] {
  let isFirst = true;
  return async function* (path, options) {
    if (isFirst) await write();
    isFirst = false;
    yield* watch(path, options);
  };
}

async function scratchFile(host: Host): Promise<AsyncDisposable & { readonly path: HostPath }> {
  const folder = joinHostPath(host.tmp, `seedbed-tail-${randomUUID()}`);
  await host.makeDirectory(folder);
  return {
    path: joinHostPath(folder, 'log'),
    [Symbol.asyncDispose]: () => host.remove(folder, { recursive: true }),
  };
}
