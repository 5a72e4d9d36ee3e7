import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLocalHost } from '@seedbed/host/local';
import { describe, expect, it } from 'vitest';
import { openGround } from '../../test/ground.ts';

const host = createLocalHost();
const task = 't';

describe('two programs that believe that they run one task', () => {
  it('are told apart, also when they never save at the same time', async () => {
    await using ground = await openGround();
    await writeFile(join(ground.work, 'file'), 'x');
    const save = (number: number, writer: string) =>
      ground.anew().save(host, ground.work, { task, follows: { number, writer } });
    await save(0, 'first');
    // The second has restored number 1; the first, of which everybody thought that it was gone, goes on.
    await save(1, 'second');
    await expect(save(1, 'first')).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('number 2'),
    });
    await save(2, 'second');
    expect((await ground.snapshots.list(task)).map(({ number, writer }) => [number, writer])).toEqual([
      [1, 'first'],
      [2, 'second'],
      [3, 'second'],
    ]);
  });

  it('are not held up by snapshots of their own of which they have not heard', async () => {
    await using ground = await openGround();
    const follows = { number: 0, writer: 'only' };
    await ground.snapshots.save(host, ground.work, { task, follows });
    const { snapshot } = await ground.anew().save(host, ground.work, { task, follows });
    expect(snapshot.number).toBe(2);
  });

  it('are not held up by snapshots that were removed', async () => {
    await using ground = await openGround();
    for (const writer of ['first', 'second'])
      await ground.snapshots.save(host, ground.work, { task, follows: { number: 1, writer } });
    await ground.snapshots.delete(task, 2);
    const follows = { number: 1, writer: 'third' };
    expect((await ground.snapshots.save(host, ground.work, { task, follows })).snapshot.number).toBe(3);
  });
});
