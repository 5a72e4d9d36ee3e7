import { describe, it } from 'vitest';
import { hostContract } from '../testing/index.ts';
import { createLocalHost } from './index.ts';

const capabilities = {
  shell: true,
  pty: true,
  sharesLoopback: true,
  rawNames: true,
  procfs: process.platform === 'linux',
  exactTimes: true,
};

describe('the local host', () => {
  for (const { name, run } of hostContract({ create: () => createLocalHost(), capabilities })) it(name, run);
});
