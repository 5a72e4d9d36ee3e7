import { createMemoryHost, type HostCapabilities, hostContract } from '@seedbed/host/testing';
import { describe, it } from 'vitest';

// In the place of createMemoryHost stands what makes a host of your own, and here what it can do.
const capabilities: HostCapabilities = {
  shell: false,
  pty: false,
  sharesLoopback: false,
  rawNames: true,
  procfs: false,
  exactTimes: true,
};

describe('a host of my own', () => {
  for (const { name, run } of hostContract({ create: createMemoryHost, capabilities })) it(name, run, 30_000);
});
