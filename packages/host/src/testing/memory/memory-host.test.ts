import { describe, it } from 'vitest';
import { createMemoryHost, hostContract } from '../index.ts';

const capabilities = {
  shell: false,
  pty: false,
  sharesLoopback: false,
  rawNames: true,
  procfs: false,
  exactTimes: true,
};

describe('the memory host', () => {
  for (const { name, run } of hostContract({ create: () => createMemoryHost(), capabilities }))
    it(name, run, 30_000);
});
