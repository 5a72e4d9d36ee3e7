import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type HashRange, hashFiles } from '../../hash-files.ts';
import type { Host } from '../../host.ts';
import { type HostPath, joinHostPath } from '../../host-path.ts';
import { type CaseDefinition, patternBytes, rejectsWith } from './contract-case.ts';
import { HOSTILE_NAMES, RAW_NAMES } from './hostile-names.ts';

/** Hashing many files. */
export const hashFilesCases: readonly CaseDefinition[] = [
  {
    name: 'hashes files and parts of them in order, and nothing that is no file of the folder',
    async check({ host, folder }) {
      const large = patternBytes(1_500_001);
      await host.makeDirectory(joinHostPath(folder, 'dir'));
      await host.writeFile(joinHostPath(folder, 'dir/ten'), '0123456789');
      await host.writeFile(joinHostPath(folder, 'dir/two'), 'ab');
      await host.writeFile(joinHostPath(folder, 'empty'), '');
      await host.writeFile(joinHostPath(folder, 'large'), large);
      await host.link(joinHostPath(folder, 'dir/link'), 'ten');
      await host.link(joinHostPath(folder, 'to-dir'), 'dir');
      const expected: readonly (readonly [HashRange, string | Uint8Array | undefined])[] = [
        [{ relativePath: 'dir/ten' }, '0123456789'],
        [{ relativePath: 'dir/two' }, 'ab'],
        [{ relativePath: 'dir/ten', length: 10 }, '0123456789'],
        [{ relativePath: 'dir/two', length: 2 }, 'ab'],
        [{ relativePath: 'dir/ten', length: 4 }, '0123'],
        [{ relativePath: 'dir/two', length: 40 }, 'ab'],
        [{ relativePath: 'dir/ten', offset: 4 }, '456789'],
        [{ relativePath: 'dir/ten', offset: 4, length: 2 }, '45'],
        [{ relativePath: 'dir/ten', offset: 4, length: 20 }, '456789'],
        [{ relativePath: 'dir/ten', offset: 10 }, ''],
        [{ relativePath: 'dir/ten', length: 0 }, ''],
        [{ relativePath: 'empty' }, ''],
        [{ relativePath: 'large', length: 1_500_001 }, large],
        [{ relativePath: 'large', length: 1_400_000, offset: 99_999 }, large.subarray(99_999, 1_499_999)],
        [{ relativePath: 'missing' }, undefined],
        [{ relativePath: 'dir' }, undefined],
        [{ relativePath: 'dir/link' }, undefined],
        [{ relativePath: 'to-dir/ten' }, undefined],
        [{ relativePath: 'dir/two' }, 'ab'],
      ];
      const hashed = await hash(
        host,
        folder,
        expected.map(([range]) => range),
      );
      assert.deepEqual(
        hashed,
        expected.map(([{ relativePath }, content]) => hashOf(relativePath, content)),
      );
      await rejectsWith(hash(host, folder, [{ relativePath: '../a' }]), 'invalid-path');
      await rejectsWith(hash(host, joinHostPath(folder, 'none'), [{ relativePath: 'a' }]), 'not-found');
    },
  },
  {
    name: 'hashes files whatever they are called',
    async check({ host, folder, capabilities }) {
      const names = capabilities.rawNames ? [...HOSTILE_NAMES, ...RAW_NAMES] : HOSTILE_NAMES;
      for (const name of names) await host.writeFile(joinHostPath(folder, name), `in ${name.length}`);
      const hashed = await hash(
        host,
        folder,
        names.map((relativePath) => ({ relativePath })),
      );
      assert.deepEqual(
        hashed,
        names.map((name) => hashOf(name, `in ${name.length}`)),
      );
    },
  },
];

async function hash(host: Host, root: HostPath, files: readonly HashRange[]): Promise<unknown[]> {
  return await Array.fromAsync(hashFiles(host, root, files));
}

function hashOf(relativePath: string, content: string | Uint8Array | undefined): unknown {
  if (content === undefined) return { relativePath, sha256: undefined, bytes: 0 };
  const sha256 = createHash('sha256').update(content).digest('hex');
  return { relativePath, sha256, bytes: content.length };
}
