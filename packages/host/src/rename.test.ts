import { afterAll, describe, expect, it } from 'vitest';
import { mountSmallDisk, whyNoSmallDisk } from '../test/small-disk.ts';
import { type SshdForTests, sshdForTests } from '../test/sshd-for-tests.ts';
import { type Host, joinHostPath } from './index.ts';
import { createLocalHost } from './local/index.ts';

const sshd: SshdForTests = sshdForTests();
afterAll(() => sshd.close());

const hosts: readonly [string, () => Promise<Host>, SshdForTests | undefined][] = [
  ['the local host', async () => createLocalHost(), undefined],
  ['an SSH host', () => sshd.openHost(), sshd],
];

describe.for(hosts)('a rename on %s', ([, open, server]) => {
  it('is refused by name where something is mounted, and to another file system', async (context) => {
    context.skip(whyNoSmallDisk() !== undefined, whyNoSmallDisk());
    server?.skipWhereMissing(context);
    await using disk = await mountSmallDisk();
    await using host = await open();
    const folder = joinHostPath(host.tmp, `seedbed-rename-${crypto.randomUUID()}`);
    const inside = joinHostPath(disk.path, 'inside');
    try {
      await host.makeDirectory(joinHostPath(folder, 'empty'));
      await host.writeFile(joinHostPath(folder, 'file'), 'file');
      await host.makeDirectory(joinHostPath(inside, 'below'));
      const moves = [
        [disk.path, joinHostPath(folder, 'moved'), 'busy'],
        [joinHostPath(folder, 'empty'), disk.path, 'busy'],
        [inside, joinHostPath(folder, 'moved'), 'cross-device'],
        [joinHostPath(folder, 'file'), joinHostPath(inside, 'file'), 'cross-device'],
        [inside, joinHostPath(folder, 'missing/moved'), 'not-found'],
      ] as const;
      for (const [from, to, code] of moves)
        await expect(host.rename(from, to)).rejects.toMatchObject({ code });
      expect((await host.stat(joinHostPath(inside, 'below')))?.kind).toBe('directory');
      expect(await host.stat(joinHostPath(folder, 'moved'))).toBeUndefined();
      await host.rename(joinHostPath(inside, 'below'), joinHostPath(disk.path, 'risen'));
    } finally {
      await host.remove(folder, { recursive: true });
    }
  });
});
