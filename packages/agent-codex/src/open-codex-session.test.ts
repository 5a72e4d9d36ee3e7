import { mkdtemp, rm } from 'node:fs/promises';
import { createMemoryBlobStore } from '@seedbed/blob-store/testing';
import { createLocalHost } from '@seedbed/host/local';
import { SeedError, type SeedLease } from '@seedbed/seeds';
import { createSnapshots, type Snapshots } from '@seedbed/snapshots';
import { createMemorySnapshotIndex } from '@seedbed/snapshots/testing';
import { expect, it } from 'vitest';
import { openCodexSession } from './open-codex-session.ts';

it('says that the login was lost also where that ends the look for a snapshot', async () => {
  const workdir = await mkdtemp('/var/tmp/seedbed-open-session-');
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(workdir, { recursive: true, force: true }));
  const lost = new AbortController();
  let isFreed = false;
  const lease: Pick<SeedLease, 'signal' | typeof Symbol.asyncDispose> = {
    signal: lost.signal,
    async [Symbol.asyncDispose]() {
      isFreed = true;
    },
  };
  const index = createMemorySnapshotIndex();
  const real = createSnapshots({ index, blobs: createMemoryBlobStore(), encryption: 'plaintext' });
  const store: Snapshots = {
    ...real,
    async list(task, options) {
      lost.abort(new SeedError('lease-lost', 'Somebody else has the login.'));
      return await real.list(task, options);
    },
  };
  const opening = openCodexSession({
    ...{ host: createLocalHost(), workdir, task: 't', snapshots: { store } },
    seed: async () => lease as SeedLease,
  });
  await expect(opening).rejects.toMatchObject({ code: 'lease-lost' });
  expect(isFreed).toBe(true);
});
