import assert from 'node:assert/strict';
import type { Host } from '../../host.ts';
import { type HostPath, joinHostPath } from '../../host-path.ts';
import { walk } from '../../walk.ts';
import { bytesOf, type ContractSubject, patternBytes } from './contract-case.ts';

export async function plantTree(host: Host, root: HostPath, oddNames: readonly string[]): Promise<void> {
  const at = (path: string): HostPath => joinHostPath(root, path);
  await host.makeDirectory(at('dir/deep'));
  await host.makeDirectory(at('empty-dir'), { mode: 0o711 });
  await host.makeDirectory(at('read-only-dir'));
  await host.writeFile(at('read-only-dir/file.txt'), 'x', { mode: 0o400 });
  await host.writeFile(at('empty'), '');
  await host.writeFile(at('big'), patternBytes(1_000_003));
  await host.writeFile(at('dir/deep/file.txt'), 'text', { mode: 0o640 });
  await host.writeFile(at('script'), '#!/bin/sh\n', { mode: 0o755 });
  await host.link(at('hard'), at('script'), { hard: true });
  await host.link(at('dir/link'), '../script');
  await host.link(at('dangling'), 'not/there');
  for (const name of oddNames) {
    await host.makeDirectory(joinHostPath(at('dir'), name));
    await host.writeFile(joinHostPath(at('dir'), name, name), 'odd');
    await host.link(joinHostPath(at('dir'), name, 'odd-link'), name);
  }
  // An archive keeps microseconds, which a time between two milliseconds may be rounded to on either side.
  const entries = await Array.fromAsync(walk(host, root));
  await Promise.all(entries.map(({ path, stat }) => host.setModified(path, Math.floor(stat.modifiedMs))));
  const own = await host.stat(root);
  await host.setModified(root, Math.floor(own?.modifiedMs ?? 0));
  await host.setModified(at('big'), 1_600_000_000_123);
  await host.setModified(at('dir/link'), 1_500_000_000_000);
  await host.setModified(at('dir/deep'), 1_400_000_000_500);
  await host.setMode(at('read-only-dir'), 0o555);
}

/** All that should survive, by relative path. */
export async function describeTree(
  { host, capabilities }: Pick<ContractSubject, 'host' | 'capabilities'>,
  root: HostPath,
): Promise<ReadonlyMap<string, unknown>> {
  const unit = capabilities.exactTimes ? 1 : 1_000;
  const described = new Map<string, unknown>();
  const firstNames = new Map<string, string>();
  const describe = async (relativePath: string, path: HostPath): Promise<void> => {
    const stat = await host.stat(path);
    assert.ok(stat);
    const content =
      stat.kind === 'file' ? Buffer.from(await bytesOf(await host.readFile(path))).toString('base64') : '';
    const target = stat.kind === 'symlink' ? await host.readLink(path) : '';
    const twin = stat.kind === 'file' ? (firstNames.get(stat.identity) ?? '') : '';
    if (stat.kind === 'file' && twin === '') firstNames.set(stat.identity, relativePath);
    const mode = stat.kind === 'symlink' ? 0 : stat.mode;
    described.set(relativePath, {
      kind: stat.kind,
      mode,
      content,
      target,
      twin,
      time: unit === 1 ? Math.round(stat.modifiedMs) : Math.floor(stat.modifiedMs / unit),
    });
  };
  await describe('', root);
  for await (const { relativePath, path } of walk(host, root)) await describe(relativePath, path);
  return described;
}
