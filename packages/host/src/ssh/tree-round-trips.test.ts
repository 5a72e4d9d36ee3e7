import { afterAll, expect, it } from 'vitest';
import { createBusyboxRoot, whyNoBusyboxRoot } from '../../test/busybox-root.ts';
import { sshdForTests } from '../../test/sshd-for-tests.ts';
import {
  type ArchiveEntry,
  type Host,
  type HostPath,
  hashFiles,
  joinHostPath,
  packDirectory,
  packEntries,
  readFiles,
  run,
  unpackDirectory,
  walk,
} from '../index.ts';
import { openLinkProxy } from '../testing/index.ts';

/**
 * Measured: 1 to 3 to walk, 4 to 6 to pack, 4 to 8 to unpack, 2 or 3 to read, to hash, and to reuse. On a busy host the shells that are got ready meanwhile answer each for
 * themselves; there are dozens where it goes by folder.
 */
const A_FEW = 16;
const busybox = whyNoBusyboxRoot() === undefined ? await createBusyboxRoot() : undefined;
const servers = { GNU: sshdForTests(), BusyBox: sshdForTests({ config: busybox?.sshdConfig ?? [] }) };
afterAll(async () => {
  for (const server of Object.values(servers)) await server.close();
  await busybox?.[Symbol.asyncDispose]();
});

for (const tools of ['GNU', 'BusyBox'] as const) {
  it(`takes a few round trips for a tree, however large, with the tools of ${tools}`, {
    timeout: 90_000,
  }, async (context) => {
    const sshd = servers[tools];
    if (tools === 'BusyBox') context.skip(busybox === undefined, whyNoBusyboxRoot());
    sshd.skipWhereMissing(context);
    const server = await sshd.server();
    await using link = await openLinkProxy(server, { delayMs: 20 });
    await using host = await sshd.openHost({ host: link.host, port: link.port });
    const folder = joinHostPath(host.tmp, `seedbed-trips-${crypto.randomUUID()}`);
    const trips = async (work: () => Promise<unknown>): Promise<number> => {
      link.resetRoundTrips();
      await work();
      return link.roundTrips();
    };
    try {
      const counts: number[] = [];
      for (const folders of [1, 40]) {
        const [tree, copy] = [
          joinHostPath(folder, `tree-${folders}`),
          joinHostPath(folder, `copy-${folders}`),
        ];
        await plant(host, tree, folders);
        let archive = Buffer.alloc(0);
        counts.push(
          await trips(() => Array.fromAsync(walk(host, tree))),
          await trips(async () => {
            archive = Buffer.concat(await Array.fromAsync(packDirectory(host, tree)));
          }),
          await trips(() => unpackDirectory(host, copy, new Blob([archive]).stream())),
        );
        const entries = await Array.fromAsync(walk(host, copy));
        expect(entries).toHaveLength(folders * 6);
        const files = entries
          .filter(({ stat }) => stat.kind === 'file')
          .map(({ relativePath }) => relativePath);
        const parts = files.map((relativePath) => ({ relativePath, length: 2 }));
        const reuse = { from: copy, files };
        counts.push(
          await trips(() =>
            Array.fromAsync(readFiles(host, copy, parts), ({ body }) => Array.fromAsync(body)),
          ),
          await trips(() => Array.fromAsync(hashFiles(host, copy, parts))),
          await trips(() =>
            unpackDirectory(host, joinHostPath(folder, `again-${folders}`), packEntries(none()), { reuse }),
          ),
        );
      }
      for (const count of counts) expect(count).toBeLessThanOrEqual(A_FEW);
    } finally {
      await host.remove(folder, { recursive: true });
    }
  });
}

async function* none(): AsyncGenerator<ArchiveEntry> {}

/** Folders with five files each. */
async function plant(host: Host, root: HostPath, folders: number): Promise<void> {
  const script =
    'mkdir -p "$1"; i=0; while [ $((i += 1)) -le "$2" ]; do mkdir "$1/$i"; for f in a b c d e; do echo "$f" >"$1/$i/$f"; done; done';
  await run(host, { argv: ['sh', '-c', script, 'sh', root, String(folders)] }, { check: true });
}
