import { describe, expect, it } from 'vitest';
import { unpackDirectory } from './archive/unpack-directory.ts';
import { forward } from './forward.ts';
import { joinHostPath } from './host-path.ts';
import { remoteForward } from './remote-forward.ts';
import { tail } from './tail.ts';
import { createMemoryHost, openLinkProxy } from './testing/index.ts';

const signal = AbortSignal.abort();

describe('an option that cannot be', () => {
  it('is refused by name where a time is to be', async () => {
    const target = { host: '127.0.0.1', port: 1 };
    const opening = openLinkProxy(target, { delayMs: Number.NaN });
    await expect(opening).rejects.toMatchObject({
      code: 'invalid-config',
      message: 'delayMs has to be a number of milliseconds from 0; it is NaN.',
    });
  });

  it('is refused by name where a file is followed, or a folder unpacked', async () => {
    await using host = createMemoryHost();
    const file = joinHostPath(host.tmp, 'file');
    const tailing = Array.fromAsync(tail(host, file, { signal, from: -1 }));
    await expect(tailing).rejects.toMatchObject({
      code: 'invalid-config',
      message: expect.stringMatching(/^from has to be/),
    });
    const empty = (): ReadableStream<Uint8Array> => ReadableStream.from([]);
    const unpacking = unpackDirectory(host, file, empty(), { maxEntries: Number.NaN });
    await expect(unpacking).rejects.toMatchObject({
      code: 'invalid-config',
      message: expect.stringMatching(/^maxEntries has to be/),
    });
  });

  it.each(['~', '~/socket', '~me/socket'])(
    'is refused where the socket of a tunnel is to be: %s',
    async (socket) => {
      await using host = createMemoryHost();
      const message = expect.stringMatching(/^socket cannot be "~.*os\.homedir\(\)/);
      await expect(forward(host, { port: 80 }, { socket })).rejects.toMatchObject({
        code: 'invalid-config',
        message,
      });
      await expect(remoteForward(host, { socket })).rejects.toMatchObject({
        code: 'invalid-config',
        message,
      });
    },
  );
});
