import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HostError, hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { SnapshotError } from '@seedbed/snapshots';
import { describe, expect, it } from 'vitest';
import { createSizeLimitNotices } from './size-limit.ts';

async function openNotices() {
  const path = await mkdtemp(join(tmpdir(), 'seedbed-size-limit-'));
  const told: string[] = [];
  const notices = createSizeLimitNotices(createLocalHost(), hostPath(path), {
    notify: (notice) => void told.push(notice),
  });
  return {
    ...{ notices, told, path },
    list: async (text: string) => await writeFile(join(path, 'regenerable.txt'), text),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true }),
  };
}

const tooLarge = (bytes: number): SnapshotError =>
  new SnapshotError('limit-exceeded', `It holds ${bytes} bytes, and at the most 20 are allowed.`);

describe('that a task is too large to be saved', () => {
  it('is told once, however often it is not saved', async () => {
    await using ground = await openNotices();
    for (const bytes of [30, 31, 32]) await ground.notices.failed(tooLarge(bytes));
    expect(ground.told).toHaveLength(1);
    expect(ground.told[0]).toMatch(
      /^System: It holds 30 bytes, and at the most 20 are allowed\. .*regenerable\.txt/,
    );
  });

  it('is told again when the agent has changed its list, and it is not enough', async () => {
    await using ground = await openNotices();
    await ground.notices.failed(tooLarge(30));
    await ground.list('build\n');
    for (const bytes of [25, 25]) await ground.notices.failed(tooLarge(bytes));
    await ground.list('build\nout\n');
    await ground.notices.failed(tooLarge(22));
    expect(ground.told.map((notice) => /\d+/.exec(notice)?.[0])).toEqual(['30', '25', '22']);
  });

  it('is told again when it was saved in between', async () => {
    await using ground = await openNotices();
    await ground.notices.failed(tooLarge(30));
    ground.notices.saved();
    await ground.notices.failed(tooLarge(40));
    expect(ground.told).toHaveLength(2);
  });

  it('is not what any other failure is taken for', async () => {
    await using ground = await openNotices();
    const cause = new HostError('limit-exceeded', 'There are more than 10 entries.');
    await ground.notices.failed(new SnapshotError('limit-exceeded', 'Too many.', { cause }));
    await ground.notices.failed(new SnapshotError('conflict', 'Somebody else saved it.'));
    await ground.notices.failed(new Error('No.'));
    expect(ground.told).toEqual([]);
  });
});
