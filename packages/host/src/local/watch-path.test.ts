import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { hostPath } from '../host-path.ts';
import { watchLocalPath } from './watch-path.ts';

it('looks now and then where the kernel refuses to watch', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'seedbed-watch-'));
  const controller = new AbortController();
  try {
    const watching = watchLocalPath(hostPath(join(folder, 'file')), {
      signal: controller.signal,
      hostSignal: new AbortController().signal,
      watchWith() {
        throw Object.assign(new Error('no watches are left'), { code: 'ENOSPC' });
      },
    });
    await watching.next();
    for (const content of ['one', 'second']) {
      await writeFile(join(folder, 'file'), content);
      expect((await watching.next()).done).toBe(false);
    }
    const pending = watching.next();
    controller.abort();
    expect((await pending).done).toBe(true);
  } finally {
    await rm(folder, { recursive: true });
  }
});
