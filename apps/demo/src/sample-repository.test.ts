import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostPath, joinHostPath, readText, run } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { afterAll, describe, expect, it } from 'vitest';
import {
  changedFiles,
  faultyFile,
  testFile,
  writeOriginalTest,
  writeSampleRepository,
} from './sample-repository.ts';

const host = createLocalHost();
const folder = hostPath(await mkdtemp(join(tmpdir(), 'seedbed-sample-')));
const sample = joinHostPath(folder, 'sample');

afterAll(async () => {
  await host[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const exitCode = async (test: string) => (await run(host, { argv: [process.execPath, test] })).exit;

describe('the sample repository', () => {
  it('has a test that fails until the mistake is corrected', async () => {
    await writeSampleRepository(host, sample);
    const test = joinHostPath(sample, testFile);
    expect(await exitCode(test)).toEqual({ kind: 'exited', code: 1 });
    expect(await changedFiles(host, sample)).toEqual([]);

    const source = joinHostPath(sample, faultyFile);
    await host.writeFile(source, (await readText(host, source)).replace('count > 10', 'count >= 10'));
    expect(await exitCode(test)).toEqual({ kind: 'exited', code: 0 });
    expect(await changedFiles(host, sample)).toEqual([faultyFile]);
  });

  it('is judged by the original test, whatever became of the one in it', async () => {
    const cheated = joinHostPath(folder, 'cheated');
    await writeSampleRepository(host, cheated);
    await host.writeFile(joinHostPath(cheated, testFile), '// nothing to see here\n');
    expect(await exitCode(joinHostPath(cheated, testFile))).toEqual({ kind: 'exited', code: 0 });
    const original = await writeOriginalTest(host, joinHostPath(folder, 'check'), cheated);
    expect(await exitCode(original)).toEqual({ kind: 'exited', code: 1 });
    expect(await changedFiles(host, cheated)).toEqual([testFile]);
  });
});
