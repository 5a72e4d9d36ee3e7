import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { joinHostPath } from '../host-path.ts';
import { createLocalHost } from '../local/index.ts';
import { removeAbandoned, stagingIn } from './abandoned-staging.ts';
import { packEntries } from './pack-entries.ts';
import { unpackDirectory } from './unpack-directory.ts';

async function* none() {}

describe('what a killed program has left unfinished in a folder', () => {
  it('is removed by the next that unpacks there, once it is old enough, and nothing else is', async () => {
    await using host = createLocalHost();
    const folder = joinHostPath(host.tmp, `seedbed-abandoned-${randomUUID()}`);
    const at = (name: string) => joinHostPath(folder, name);
    const [tree, file] = [`.seedbed-${randomUUID()}.tmp`, '.seedbed-0123456789abcdef.tmp'] as const;
    try {
      await host.makeDirectory(at(`${tree}/inside`));
      await host.writeFile(at(file), 'half');
      for (const name of ['.seedbed-notes.tmp', `${tree}.bak`, 'own']) await host.writeFile(at(name), '');
      await unpackDirectory(host, at('unpacked'), packEntries(none()));
      const names = await stagingIn(host, folder);
      expect([...names].sort()).toEqual([file, tree].sort());
      const fresh = at('unpacked');
      await removeAbandoned(host, folder, { names, fresh, unchangedMs: 3_600_000 });
      expect(await stagingIn(host, folder)).toHaveLength(2);
      await removeAbandoned(host, folder, { names, fresh, unchangedMs: -3_600_000 });
      const left = await Array.fromAsync(host.list(folder), ({ name }) => name);
      expect(left.sort()).toEqual(['.seedbed-notes.tmp', `${tree}.bak`, 'own', 'unpacked'].sort());
    } finally {
      await host.remove(folder, { recursive: true });
    }
  });
});
