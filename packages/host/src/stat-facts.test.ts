import { execFileSync } from 'node:child_process';
import { lutimesSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hostPath } from './host-path.ts';
import { createLocalHost } from './local/index.ts';
import { FIND_FORMAT, parseFindFacts, parseStatFacts, STAT_FORMAT } from './stat-facts.ts';

const times = [0, 1, 1_600_000_000.123_456, 1_600_000_000.999_999, 4_102_444_800.5, -1.25, -2];

describe.runIf(process.platform === 'linux')('what the tools print of a file', () => {
  it('is what the local host says of it, times before 1970 included', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'seedbed-facts-'));
    try {
      await using host = createLocalHost();
      for (const [index, time] of times.entries()) {
        const file = join(folder, `file ${index}`);
        if (index % 2 === 0) writeFileSync(file, 'x'.repeat(index), { mode: 0o640 });
        else symlinkSync('some where', file);
        lutimesSync(file, time, time);
        const expected = await host.stat(hostPath(file));
        const stat = execFileSync('stat', ['-c', STAT_FORMAT, file], { encoding: 'utf8' });
        const find = execFileSync('find', [file, '-printf', FIND_FORMAT], { encoding: 'utf8' });
        expect(parseStatFacts(stat)).toEqual(expected);
        expect(parseFindFacts(find)).toEqual(expected);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
