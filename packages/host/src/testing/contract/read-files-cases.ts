import assert from 'node:assert/strict';
import type { Host } from '../../host.ts';
import { type HostPath, joinHostPath } from '../../host-path.ts';
import { type FileRange, readFiles } from '../../read-files.ts';
import { run } from '../../run.ts';
import { type CaseDefinition, patternBytes, rejectsWith } from './contract-case.ts';
import { HOSTILE_NAMES, RAW_NAMES } from './hostile-names.ts';

/** Reading parts of many files. */
export const readFilesCases: readonly CaseDefinition[] = [
  {
    name: 'reads parts of files in the order in which they are asked for, and says of each what is missing',
    async check({ host, folder }) {
      const large = Buffer.from(patternBytes(3_000_001));
      await host.makeDirectory(joinHostPath(folder, 'dir/deep'));
      await host.writeFile(joinHostPath(folder, 'dir/deep/ten'), '0123456789');
      await host.writeFile(joinHostPath(folder, 'empty'), '');
      await host.writeFile(joinHostPath(folder, 'large'), large);
      await host.link(joinHostPath(folder, 'link'), 'dir/deep/ten');
      await host.link(joinHostPath(folder, 'dir/hard'), joinHostPath(folder, 'empty'), { hard: true });
      const expected: readonly (readonly [FileRange, string])[] = [
        [{ relativePath: 'dir/deep/ten', length: 10 }, 'read 0 0123456789'],
        [{ relativePath: 'dir/deep/ten', length: 10, offset: 4 }, 'read 4 456789'],
        [{ relativePath: 'dir/deep/ten', length: 3, offset: 2 }, 'read 0 234'],
        [{ relativePath: 'dir/deep/ten', length: 5, offset: 10 }, 'read 5 '],
        [{ relativePath: 'dir/deep/ten', length: 5, offset: 11 }, 'read 5 '],
        [{ relativePath: 'dir/deep/ten', length: 0 }, 'read 0 '],
        [{ relativePath: 'empty', length: 0 }, 'read 0 '],
        [{ relativePath: 'empty', length: 7 }, 'read 7 '],
        [{ relativePath: 'dir/hard', length: 0 }, 'read 0 '],
        [{ relativePath: 'missing', length: 2 }, 'gone 2 '],
        [{ relativePath: 'dir/missing/below', length: 2 }, 'gone 2 '],
        [{ relativePath: 'empty/below', length: 2 }, 'gone 2 '],
        [{ relativePath: 'dir/deep', length: 2 }, 'not-a-file 2 '],
        [{ relativePath: 'link', length: 2 }, 'not-a-file 2 '],
        [{ relativePath: 'large', length: large.length }, `read 0 ${large.toString('latin1')}`],
        [
          { relativePath: 'large', length: 9, offset: 2_999_999 },
          `read 7 ${large.toString('latin1', 2_999_999)}`,
        ],
        [{ relativePath: 'dir/deep/ten', length: 1 }, 'read 0 0'],
      ];
      const ranges = expected.map(([range]) => range);
      assert.deepEqual(
        await read(host, folder, ranges),
        expected.map(([{ relativePath }, text]) => [relativePath, text]),
      );
      assert.deepEqual(await read(host, folder, []), []);
    },
  },
  {
    name: 'reads files whatever they are called',
    async check({ host, folder, capabilities }) {
      const names = capabilities.rawNames ? [...HOSTILE_NAMES, ...RAW_NAMES] : HOSTILE_NAMES;
      for (const name of names) {
        await host.makeDirectory(joinHostPath(folder, name));
        await host.writeFile(joinHostPath(folder, name, name), `in ${name.length}`);
      }
      const ranges = names.map((name) => ({
        relativePath: `${name}/${name}`,
        length: 5 + String(name.length).length,
      }));
      const expected = names.map((name) => [`${name}/${name}`, `read 2 in ${name.length}`]);
      assert.deepEqual(await read(host, folder, ranges), expected);
    },
  },
  {
    name: 'reads nothing through a link, wherever it stands, and through no path that is none',
    async check({ host, folder }) {
      const [root, outside] = [joinHostPath(folder, 'root'), joinHostPath(folder, 'outside')];
      await host.makeDirectory(joinHostPath(root, 'inside'));
      await host.makeDirectory(outside);
      await host.writeFile(joinHostPath(outside, 'secret'), 'secret');
      await host.writeFile(joinHostPath(root, 'inside/file'), 'inside');
      await host.link(joinHostPath(root, 'out'), outside);
      await host.link(joinHostPath(root, 'in'), 'inside');
      await host.link(joinHostPath(root, 'inside/file-out'), '../../outside/secret');
      const paths = ['out/secret', 'in/file', 'inside/file-out', 'inside/file'];
      assert.deepEqual(
        await read(
          host,
          root,
          paths.map((relativePath) => ({ relativePath, length: 6 })),
        ),
        [
          ['out/secret', 'gone 6 '],
          ['in/file', 'gone 6 '],
          ['inside/file-out', 'not-a-file 6 '],
          ['inside/file', 'read 0 inside'],
        ],
      );
      // The folder itself may be named by a link.
      const byLink = await read(host, joinHostPath(root, 'in'), [{ relativePath: 'file', length: 6 }]);
      assert.deepEqual(byLink, [['file', 'read 0 inside']]);
      for (const relativePath of ['../outside/secret', '/etc/passwd', '', '.', 'inside//file', 'a\0b'])
        await rejectsWith(read(host, root, [{ relativePath, length: 1 }]), 'invalid-path');
      await rejectsWith(
        read(host, joinHostPath(root, 'none'), [{ relativePath: 'a', length: 1 }]),
        'not-found',
      );
    },
  },
  {
    name: 'reads on when a body is left, and stops when it is told to or nobody takes more',
    async check({ host, folder }) {
      const large = patternBytes(3_000_001);
      await host.writeFile(joinHostPath(folder, 'large'), large);
      await host.writeFile(joinHostPath(folder, 'small'), 'small');
      const many = Array.from({ length: 20 }, (_, index) =>
        index % 2 === 0
          ? { relativePath: 'large', length: large.length }
          : { relativePath: 'small', length: 5 },
      );
      let taken = 0;
      for await (const { relativePath, body } of readFiles(host, folder, many)) {
        taken += 1;
        for await (const chunk of body) {
          if (relativePath === 'small') assert.equal(Buffer.from(chunk).toString(), 'small');
          else break;
        }
      }
      assert.equal(taken, many.length);
      for await (const { body } of readFiles(host, folder, many)) {
        for await (const _ of body) break;
        break;
      }
      const stop = new AbortController();
      await rejectsWith(
        (async () => {
          for await (const _ of readFiles(host, folder, many, { signal: stop.signal })) stop.abort();
        })(),
        'aborted',
      );
    },
  },
  {
    name: 'reads thousands of files of a tree',
    needs: ['shell'],
    async check({ host, folder }) {
      const ranges: FileRange[] = [];
      const script =
        'for d in 1 2 3 4 5; do mkdir "$d"; for f in $(seq 150); do echo "$d-$f" >"$d/$f"; done; done';
      const { exit } = await run(host, { argv: ['sh', '-c', script], cwd: folder });
      assert.deepEqual(exit, { kind: 'exited', code: 0 });
      for (const d of [1, 2, 3, 4, 5])
        for (let f = 1; f <= 150; f += 1)
          ranges.push({ relativePath: `${d}/${f}`, length: `${d}-${f}\n`.length });
      const found = await read(host, folder, ranges);
      assert.deepEqual(
        found,
        ranges.map(({ relativePath }) => [relativePath, `read 0 ${relativePath.replace('/', '-')}\n`]),
      );
    },
  },
];

/** Of each part its path, its status, how many bytes are missing, and the bytes. */
async function read(host: Host, root: HostPath, files: readonly FileRange[]): Promise<[string, string][]> {
  const found: [string, string][] = [];
  for await (const { relativePath, status, body, bytesMissing } of readFiles(host, root, files)) {
    const bytes = Buffer.concat(await Array.fromAsync(body));
    found.push([relativePath, `${status} ${bytesMissing()} ${bytes.toString('latin1')}`]);
  }
  return found;
}
