import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { hostPath, run } from '../index.ts';
import { createLocalHost } from './index.ts';

describe('a local host as it was created', () => {
  it('takes its environment and home from its options, and nothing from the program', async () => {
    const env = { PATH: process.env['PATH'], HOME: '/nowhere', EXTRA: '1', MY_TOKEN: 'canary', OTHER: '2' };
    await using host = createLocalHost({ env, home: hostPath('/'), inherit: ['EXTRA', 'MY_TOKEN', 'MY_*'] });
    const { stdout } = await run(host, { argv: ['env', '-0'] }, { check: true });
    const names = stdout.split('\0').map((entry) => entry.replace(/=.*/s, ''));
    expect(names.filter((name) => name !== '').sort()).toEqual(['EXTRA', 'HOME', 'PATH', 'SEEDBED_PROCESS']);
    expect(stdout).toContain('HOME=/\0');
  });

  it('is called by the name of its machine, so that records of several machines tell them apart', async () => {
    await using host = createLocalHost();
    expect(host.label).toBe(`local:${hostname()}`);
  });

  it('passes its own mark on, so that an outer host finds what an inner one started', async () => {
    await using host = createLocalHost({ env: { PATH: process.env['PATH'], SEEDBED_PROCESS: 'outer' } });
    const { stdout } = await run(host, { argv: ['env', '-0'] }, { check: true });
    expect(stdout).toMatch(/SEEDBED_PROCESS=outer,[0-9a-f-]{36}\0/);
  });

  it('ends its processes when it is closed, and starts no more', async () => {
    const host = createLocalHost();
    const process = await host.spawn({ argv: ['cat'] });
    await host[Symbol.asyncDispose]();
    expect(await process.exit).toEqual({ kind: 'exited', code: 0 });
    expect(host.signal.aborted).toBe(true);
    await expect(host.spawn({ argv: ['true'] })).rejects.toMatchObject({ code: 'host-lost' });
  });
});
