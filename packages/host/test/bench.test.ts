import type { BenchContext, BenchResult } from '@seedbed/bench';
import { beforeEach, describe, expect, it } from 'vitest';
import { missingPrograms } from '../bench/open-ssh-client.ts';
import { measureExec } from '../bench/ssh-exec.bench.ts';
import { measureTransfer } from '../bench/ssh-transfer.bench.ts';
import { sshdForTests } from './sshd-for-tests.ts';

const once = { rounds: 1, warmUp: 0 };

beforeEach(async (context) => {
  sshdForTests().skipWhereMissing(context);
  const missing = await missingPrograms(['ssh', 'scp', 'rsync']);
  const why = `not on this machine: ${missing.join(', ')}`;
  context.skip(missing.length > 0 && process.env['CI'] === undefined, why);
});

function names(results: readonly BenchResult[]): readonly string[] {
  for (const { ours, alternative, ratio } of results) {
    expect(Math.min(ours, alternative.value, ratio)).toBeGreaterThan(0);
    expect(alternative.name).toContain(', OpenSSH_');
  }
  return results.map(({ name, unit, alternative }) => `${name} (${unit}), ${alternative.name.split(',')[0]}`);
}

describe('the measurements, each made once', { timeout: 60_000 }, () => {
  const said: string[] = [];
  const context: BenchContext = {
    signal: new AbortController().signal,
    progress: (line) => void said.push(line),
  };

  it('give the time of a command', async () => {
    expect(names(await measureExec(context, once))).toEqual([
      'true, connected (ms), ssh over a ControlMaster',
      'true, connected (ms), ssh with a connection of its own',
      'connect, true, disconnect (ms), ssh with a connection of its own',
    ]);
  });

  it('give the time of transfers', async () => {
    const results = await measureTransfer(context, { ...once, megabytes: 1, smallFiles: 10 });
    expect(names(results)).toEqual([
      '1 MB up (s), scp',
      '1 MB up (s), ssh cat',
      '1 MB up (s), ssh cat with our cipher',
      '1 MB up (s), rsync',
      '1 MB down (s), scp',
      '1 MB down (s), ssh cat',
      '1 MB down (s), ssh cat with our cipher',
      '1 MB down (s), rsync',
      '10 small files up (s), tar | ssh tar',
      '10 small files up (s), scp -r',
      '10 small files up (s), rsync',
      '10 small files down (s), ssh tar | tar',
      '10 small files down (s), scp -r',
      '10 small files down (s), rsync',
    ]);
  });

  it('stop when they are told to', async () => {
    const stopped = { ...context, signal: AbortSignal.abort(new Error('enough')) };
    await expect(measureExec(stopped, once)).rejects.toThrow('enough');
  });
});

it('a program that is not there is missed by name', async () => {
  expect(await missingPrograms(['sh', 'seedbed-no-such-program'])).toEqual(['seedbed-no-such-program']);
});
