import { lstat, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Host, HostError, type HostPath, hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { describe, expect, it } from 'vitest';
import { readTaskMark, writeTaskMark } from './task-mark.ts';

const host = createLocalHost();
const mark = { task: 't', saveId: 's' };

async function openWorkdir(): Promise<
  { readonly path: string; readonly workdir: HostPath } & AsyncDisposable
> {
  const path = await mkdtemp(join(tmpdir(), 'seedbed-mark-'));
  return {
    path,
    workdir: hostPath(path),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

describe('the mark of a workdir', () => {
  it('is read as it was written', async () => {
    await using place = await openWorkdir();
    expect(await readTaskMark(host, place.workdir)).toBeUndefined();
    await writeTaskMark(host, place.workdir, mark);
    expect(await readTaskMark(host, place.workdir)).toEqual(mark);
  });

  it.each<readonly [string, (path: string) => Promise<unknown>]>([
    ['a file in the place of its folder', (path) => writeFile(join(path, 'home/.seedbed'), '')],
    ['a link in the place of its folder', (path) => symlink('/etc', join(path, 'home/.seedbed'))],
    ['a folder in its place', (path) => mkdir(join(path, 'home/.seedbed/task.json/x'), { recursive: true })],
  ])('can be written whatever an agent has left: %s', async (_, leave) => {
    await using place = await openWorkdir();
    await mkdir(join(place.path, 'home'));
    await leave(place.path);
    expect(await readTaskMark(host, place.workdir)).toBeUndefined();
    await writeTaskMark(host, place.workdir, mark);
    expect(await readTaskMark(host, place.workdir)).toEqual(mark);
  });

  it.each(['timeout', 'io', 'permission-denied', 'host-lost'] as const)(
    'is not taken for missing where the host fails with %s',
    async (code) => {
      await using place = await openWorkdir();
      await writeTaskMark(host, place.workdir, mark);
      const failing: Host = {
        ...host,
        readFile: async () => {
          throw new HostError(code, 'It cannot be read now.');
        },
      };
      await expect(readTaskMark(failing, place.workdir)).rejects.toMatchObject({ code });
    },
  );

  it.each(['', '{', '{"task":1}'])('is none where an agent has written %j in its place', async (text) => {
    await using place = await openWorkdir();
    await writeTaskMark(host, place.workdir, mark);
    await writeFile(join(place.path, 'home/.seedbed/task.json'), text);
    expect(await readTaskMark(host, place.workdir)).toBeUndefined();
  });

  it('is not written through a link', async () => {
    await using place = await openWorkdir();
    await mkdir(join(place.path, 'home/.seedbed'), { recursive: true });
    await writeFile(join(place.path, 'outside'), 'outside');
    await symlink('../../outside', join(place.path, 'home/.seedbed/task.json'));
    await writeTaskMark(host, place.workdir, mark);
    expect(await readFile(join(place.path, 'outside'), 'utf8')).toBe('outside');
    expect((await lstat(join(place.path, 'home/.seedbed/task.json'))).isFile()).toBe(true);
  });

  it('is not written into a home that leads elsewhere', async () => {
    await using place = await openWorkdir();
    await using other = await openWorkdir();
    await symlink(other.path, join(place.path, 'home'));
    await expect(writeTaskMark(host, place.workdir, mark)).rejects.toMatchObject({ code: 'outside-root' });
  });
});
