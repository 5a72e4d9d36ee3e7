import assert from 'node:assert/strict';
import { confine } from '../../confine.ts';
import type { Host } from '../../host.ts';
import { type HostPath, joinHostPath } from '../../host-path.ts';
import { readText } from '../../read-text.ts';
import { type CaseDefinition, names, rejectsWith } from './contract-case.ts';

/** Where paths lead, and that they lead nowhere else. */
export const confinementCases: readonly CaseDefinition[] = [
  {
    name: 'says of a path where it really leads',
    async check({ host, folder }) {
      const real = await host.canonicalize(folder);
      await host.makeDirectory(joinHostPath(folder, 'dir/sub'));
      await host.link(joinHostPath(folder, 'link'), 'dir/sub/');
      await host.link(joinHostPath(folder, 'chain'), 'link');
      await host.link(joinHostPath(folder, 'up'), 'link/../..');
      await host.link(joinHostPath(folder, 'dangling'), 'dir/none');
      await host.link(joinHostPath(folder, 'loop'), 'loop');
      const leads = async (path: string): Promise<string> =>
        await host.canonicalize(joinHostPath(folder, path));
      assert.equal(await leads('chain'), `${real}/dir/sub`);
      assert.equal(await leads('chain/new'), `${real}/dir/sub/new`);
      assert.equal(await leads('up/chain'), `${real}/dir/sub`);
      assert.equal(await leads('dangling'), `${real}/dir/none`);
      await rejectsWith(leads('loop'), 'too-many-links');
      await rejectsWith(leads('missing/below'), 'not-found');
      await rejectsWith(leads('dangling/below'), 'not-found');
    },
  },
  {
    name: 'refuses a path that leaves the folder that it was to stay in',
    async check({ host, folder }) {
      const inside = joinHostPath(folder, 'inside');
      await host.makeDirectory(inside);
      await host.makeDirectory(joinHostPath(folder, 'inside-not'));
      await host.link(joinHostPath(inside, 'out'), '..');
      await host.link(joinHostPath(inside, 'dangling'), '../nothing');
      await host.link(joinHostPath(inside, 'absolute'), '/');
      await host.link(joinHostPath(inside, 'around'), 'out/inside');
      await host.link(joinHostPath(folder, 'door'), 'inside');
      const within = async (path: string): Promise<HostPath> =>
        await host.canonicalize(joinHostPath(inside, path), { within: inside });
      for (const path of ['..', '../inside-not', 'out', 'out/x', 'dangling', 'absolute', 'absolute/etc']) {
        await rejectsWith(within(path), 'outside-root');
      }
      assert.equal(await within('around'), await host.canonicalize(inside));
      assert.equal(await within('new'), joinHostPath(await host.canonicalize(inside), 'new'));
      const door = joinHostPath(folder, 'door');
      assert.equal(await host.canonicalize(joinHostPath(door, 'new'), { within: door }), await within('new'));
    },
  },
  {
    name: 'confines all file operations to a root',
    check: ({ host, folder }) => confines(host, folder),
  },
];

async function confines(host: Host, folder: HostPath): Promise<void> {
  const root = joinHostPath(folder, 'root');
  const secret = joinHostPath(folder, 'secret');
  await host.makeDirectory(joinHostPath(root, 'dir'));
  await host.makeDirectory(secret);
  await host.writeFile(joinHostPath(secret, 'file'), 'secret');
  await host.link(joinHostPath(root, 'out'), '../secret');
  await host.link(joinHostPath(root, 'file-out'), '../secret/file');
  await host.link(joinHostPath(root, 'new-out'), '../secret/new');
  const inside = confine(host, root);
  const at = (path: string): HostPath => joinHostPath(root, path);
  for (const path of ['../secret/file', 'out/file', 'file-out', 'new-out'])
    await rejectsWith(inside.readFile(at(path)), 'outside-root');
  await rejectsWith(inside.writeFile(at('out/x'), 'x'), 'outside-root');
  await rejectsWith(inside.writeFile(at('../x'), 'x'), 'outside-root');
  await rejectsWith(inside.makeDirectory(at('out/x/y')), 'outside-root');
  await rejectsWith(inside.remove(at('out/file')), 'outside-root');
  await rejectsWith(inside.remove(root, { recursive: true }), 'outside-root');
  await rejectsWith(inside.rename(at('out/file'), at('mine')), 'outside-root');
  await rejectsWith(inside.rename(at('dir'), at('out/dir')), 'outside-root');
  await rejectsWith(inside.setMode(at('file-out'), 0o777), 'outside-root');
  await rejectsWith(inside.stat(at('out'), { followLinks: true }), 'outside-root');
  await rejectsWith(inside.stat(at('out/file')), 'outside-root');
  await rejectsWith(inside.readLink(at('out/x')), 'outside-root');
  await rejectsWith(names(inside, at('out')), 'outside-root');
  await rejectsWith(inside.canonicalize(at('out')), 'outside-root');
  for (const target of ['../secret', '/', 'dir/../../secret', '../../x/y/z']) {
    await rejectsWith(inside.link(at('link'), target), 'outside-root');
  }
  await rejectsWith(inside.link(at('link'), joinHostPath(secret, 'file'), { hard: true }), 'outside-root');
  await inside.writeFile(at('file-out'), 'mine');
  await inside.link(at('dir/up'), '../file-out');
  await inside.makeDirectory(at('dir/x/y'));
  await inside.remove(at('out'));
  assert.equal(await readText(inside, at('dir/up')), 'mine');
  assert.equal(await readText(host, joinHostPath(secret, 'file')), 'secret');
  assert.deepEqual(await names(inside, root), ['dir', 'file-out', 'new-out']);
  assert.equal(await inside.stat(at('none/none')), undefined);
}
