import { randomUUID } from 'node:crypto';
import { appendFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { sshdForTests } from '../../test/sshd-for-tests.ts';
import { joinHostPath, tail } from '../index.ts';
import { openLinkProxy } from '../testing/index.ts';

const sshd = sshdForTests();
afterAll(() => sshd.close());
beforeEach((context) => sshd.skipWhereMissing(context));

describe('a log on an SSH host', () => {
  it('is followed through a link that is cut again and again: no byte is lost, none comes twice', async () => {
    await using link = await openLinkProxy(await sshd.server());
    await using host = await sshd.openHost({ host: link.host, port: link.port });
    const folder = joinHostPath(host.tmp, `seedbed-tail-${randomUUID()}`);
    await host.makeDirectory(folder);
    try {
      const path = joinHostPath(folder, 'log');
      const stop = new AbortController();
      let text = '';
      const following = (async () => {
        for await (const { offset, bytes } of tail(host, path, { signal: stop.signal })) {
          expect(offset).toBe(text.length);
          text += Buffer.from(bytes).toString('latin1');
        }
      })();
      let written = '';
      for (let round = 1; round <= 6; round += 1) {
        const line = `${`line ${round} `.repeat(20_000)}\n`;
        written += line;
        await appendFile(path, line);
        // In the middle of a line, of the asking for one, or of nothing.
        if (round % 2 === 0) link.cutAfter(round * 15_000, 'down');
        else link.cut();
        await delay(100);
      }
      stop.abort();
      await following;
      expect(text.length).toBe(written.length);
      expect(text).toBe(written);
    } finally {
      await host.remove(folder, { recursive: true });
    }
  }, 60_000);

  it('ends with an error when the host does not come back', async () => {
    await using link = await openLinkProxy(await sshd.server());
    await using host = await sshd.openHost({
      host: link.host,
      port: link.port,
      reconnectForMs: 500,
      waitMs: 200,
    });
    const following = Array.fromAsync(
      tail(host, joinHostPath(host.tmp, randomUUID()), { signal: new AbortController().signal }),
    );
    await delay(200);
    link.refuse();
    link.cut();
    await expect(following).rejects.toMatchObject({ code: 'host-lost' });
    expect(host.signal.aborted).toBe(true);
  }, 60_000);
});
