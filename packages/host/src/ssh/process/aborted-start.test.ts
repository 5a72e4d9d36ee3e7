import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { sshdForTests } from '../../../test/sshd-for-tests.ts';
import { joinHostPath } from '../../host-path.ts';
import { createLocalHost } from '../../local/index.ts';
import { run } from '../../run.ts';
import { openLinkProxy } from '../../testing/index.ts';

const sshd = sshdForTests();
afterAll(() => sshd.close());
beforeEach((context) => sshd.skipWhereMissing(context));

it.each([
  ['plain', false],
  ['durable', true],
])(
  'a %s command of which it is not known here that it runs is ended as any other when its caller has lost interest',
  async (_, durable) => {
    const { host: address, port } = await sshd.server();
    await using proxy = await openLinkProxy({ host: address, port });
    await using host = await sshd.openHost({ host: proxy.host, port: proxy.port });
    await using here = createLocalHost();
    const folder = joinHostPath(host.tmp, `seedbed-${randomUUID()}`);
    await host.makeDirectory(folder);
    const [begun, tidied] = [joinHostPath(folder, 'begun'), joinHostPath(folder, 'tidied')];
    try {
      const script = 'trap \'sleep 1; : >"$2"; exit\' TERM; : >"$1"; while :; do sleep 0.05; done';
      const argv = ['sh', '-c', script, 'sh', begun, tidied] as const;
      const stop = new AbortController();
      // What the host says is half a second on its way: the command has begun before that is known here.
      proxy.setDelay(1_000);
      const options = { signal: stop.signal, graceMs: 60_000 };
      const running = durable
        ? host.spawn(
            { argv: [...argv] },
            { ...options, durable: { folder: joinHostPath(folder, 'durable') } },
          )
        : run(host, { argv: [...argv] }, options);
      const refused = expect(running).rejects.toMatchObject({ code: 'aborted' });
      while ((await here.stat(begun)) === undefined) await delay(5);
      stop.abort();
      proxy.setDelay(0);
      await refused;
      expect((await here.stat(tidied))?.kind).toBe('file');
    } finally {
      await here.remove(folder, { recursive: true });
    }
  },
);
