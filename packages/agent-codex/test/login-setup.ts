import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { processesWithEnvironment } from '@seedbed/host/testing';
import { createSeeds, type Seeds } from '@seedbed/seeds';
import { createMemorySeedStore } from '@seedbed/seeds/testing';
import { expect } from 'vitest';
import { codexCredential } from '../src/login/codex-credential.ts';
import type { LogInOptions } from '../src/login/log-in.ts';
import { CODEX_SEED_MANIFEST } from '../src/login/seed-manifests.ts';
import { codexBinary, type SupportedVersion } from './codex-binaries.ts';
import { type HostUnderTest, hostsUnderTest } from './hosts-under-test.ts';
import { openTasksFolder } from './session-task.ts';

/** Where a test lets somebody log in. */
export interface LoginSetup extends AsyncDisposable {
  readonly workdir: string;
  readonly options: Pick<LogInOptions, 'host' | 'workdir' | 'version' | 'binary' | 'env'>;
  /** No process and no file of it is there any more. */
  expectNothingLeft(): Promise<void>;
}

export async function openLoginSetup(
  version: SupportedVersion,
  where: HostUnderTest | undefined = hostsUnderTest()[0],
): Promise<LoginSetup> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await openTasksFolder());
  const host = await where?.host();
  if (host === undefined) throw new Error('There is no host.');
  const workdir = join(folder.path, 'setup');
  const mark = `SEEDBED_TEST=${folder.path}`;
  const owned = stack.move();
  return {
    workdir,
    options: {
      ...{ host, workdir, version, binary: { path: await codexBinary(version) } },
      env: { SEEDBED_TEST: folder.path },
    },
    async expectNothingLeft() {
      expect(await processesWithEnvironment(host, mark)).toEqual([]);
      expect(existsSync(workdir)).toBe(false);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Seeds in memory. */
export function openDrawer(): Seeds {
  return createSeeds({
    ...{ store: createMemorySeedStore(), kind: codexCredential, manifest: CODEX_SEED_MANIFEST },
    ...{ sealing: 'plaintext', journal: 'none' },
  });
}
