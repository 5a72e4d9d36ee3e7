import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { sshdForTests } from '../../../test/sshd-for-tests.ts';
import type { Transfer, TransferUse } from '../../../test/transfer-program.ts';
import { openSshd } from '../../testing/index.ts';

const MIB = 1024 * 1024;
/** 2048 shows the same and takes longer; docs/facts/ssh-performance.md has its figures. */
const FILE_BYTES = Number(process.env['SEEDBED_TRANSFER_MIB'] ?? 512) * MIB;
const MOST_GROWTH_BYTES = 100_000_000;

const program = fileURLToPath(new URL('../../../test/transfer-program.ts', import.meta.url));

/** In a process of its own that does nothing else. */
async function transferred(transfer: Transfer): Promise<TransferUse> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, JSON.stringify(transfer)]);
  return JSON.parse(stdout);
}

it.for(['up', 'down'] as const)(
  'a large file takes little memory on its way %s',
  { timeout: 180_000 },
  async (direction, context) => {
    sshdForTests().skipWhereMissing(context);
    await using server = await openSshd();
    const { host, port, user, privateKey, fingerprint } = server;
    const file = join(tmpdir(), `seedbed-large-${randomUUID()}`);
    try {
      if (direction === 'down') {
        await writeFile(file, '');
        await truncate(file, FILE_BYTES);
      }
      const access = { host, port, user, privateKey, fingerprint };
      const use = await transferred({ ...access, direction, file, bytes: FILE_BYTES });
      expect(use.bytes).toBe(FILE_BYTES);
      expect((await stat(file)).size).toBe(FILE_BYTES);
      const growth = use.residentAtMost - use.residentBefore;
      expect(growth, JSON.stringify(use)).toBeLessThan(MOST_GROWTH_BYTES);
    } finally {
      await rm(file, { force: true });
    }
  },
);
