import { describe, expect, it } from 'vitest';
import type { HostError } from '../../host-error.ts';
import { startConnectAttempt } from '../connection/connect-attempt.ts';
import { createHostKeyTrustee } from './host-key.ts';
import { openHostKeyGate } from './host-key-gate.ts';

function keyOf(fill: number): Buffer {
  const type = Buffer.from('ssh-ed25519');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(type.length);
  return Buffer.concat([length, type, Buffer.alloc(36, fill)]);
}

describe('the gate between the exchange of keys and the login', () => {
  it('lets a host show no other key later than at first, although it would have been accepted', async () => {
    using attempt = startConnectAttempt({ label: 'build', timeoutMs: 60_000, signal: undefined });
    const trustee = createHostKeyTrustee('build', 22, { knownHosts: [], acceptNew: true });
    const refusals: HostError[] = [];
    const gate = openHostKeyGate({
      label: 'build',
      attempt,
      trustee,
      check: await trustee.look(),
      algorithms: {},
      refuse: (failure) => refusals.push(failure),
    });
    const shown = (key: Buffer): Promise<boolean> => new Promise((resolve) => gate.verify(key, resolve));
    expect(await shown(keyOf(1))).toBe(true);
    expect(await gate.passed()).toBe(true);
    expect(await shown(keyOf(1))).toBe(true);
    expect(await shown(keyOf(2))).toBe(false);
    expect(refusals).toMatchObject([{ code: 'host-key-changed' }]);
  });

  it('keeps a host out whose new key became another’s meanwhile', async () => {
    using attempt = startConnectAttempt({ label: 'build', timeoutMs: 60_000, signal: undefined });
    const trustee = createHostKeyTrustee('build', 22, { knownHosts: [], acceptNew: true });
    const refusals: HostError[] = [];
    const facts = {
      label: 'build',
      attempt,
      trustee,
      algorithms: {},
      refuse: (failure: HostError) => refusals.push(failure),
    };
    const gates = [keyOf(1), keyOf(2)].map(async (key) => {
      const gate = openHostKeyGate({ ...facts, check: await trustee.look() });
      await new Promise((resolve) => gate.verify(key, resolve));
      return gate;
    });
    const [first, second] = await Promise.all(gates);
    expect([await first?.passed(), await second?.passed()]).toEqual([true, false]);
    expect(refusals).toMatchObject([{ code: 'host-key-changed' }]);
  });
});
