import { packSeed, unpackSeed } from '../src/seed-archive.ts';
import { credentialFile } from '../src/seed-manifest.ts';
import { testCredentialKind, testManifest } from '../src/testing/index.ts';
import { LEASE_MS, type World } from './chaos-world.ts';

const { path: LOGIN } = credentialFile(testManifest);

/**
 * Another program with the same pool, which leases as ours do, and saves what it rotated some seconds later without asking. It never dies; and it takes nothing that a dead holder of
 * ours has left somewhere: what it does not know it would spend twice, which is said of such pools.
 */
export async function runPartner({ clock, dice, provider, store }: World, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    await clock.sleep(dice.upTo(90_000));
    const { seeds, nowMs } = await store.list({ pool: 'team' });
    const free = seeds.filter(
      ({ facts: { lease, outstanding, status } }) =>
        outstanding === undefined &&
        status !== 'retired' &&
        (lease === undefined || lease.expiresMs <= nowMs),
    );
    const seed = free[Math.floor(dice.upTo(free.length))];
    if (seed === undefined) continue;
    const lease = { holder: `partner-${round}`, fence: 0, expiresMs: nowMs + LEASE_MS };
    if (!(await store.update(seed, { facts: { ...seed.facts, lease, lastLeasedMs: nowMs } }))) continue;
    const { id } = seed.facts;
    const stored = await store.get(id);
    if (stored === undefined) return;
    let content = await unpackSeed(stored.foreign ?? stored.content);
    for (let rotation = dice.upTo(3); rotation > 1; rotation -= 1) {
      await clock.sleep(dice.upTo(8_000));
      const { account, token } = JSON.parse(Buffer.from(content.get(LOGIN) ?? []).toString());
      const next = provider.rotate(account, token);
      if (next === undefined || testCredentialKind.read(next).state !== 'logged-in') return;
      content = new Map(content).set(LOGIN, next);
      await clock.sleep(dice.upTo(10_000));
      store.overwrite(id, await packSeed(content));
    }
    for (;;) {
      const now = await store.get(id);
      if (now?.facts.lease?.holder !== lease.holder) break;
      const { lease: _, ...released } = now.facts;
      if (await store.update(now, { facts: released })) break;
    }
  }
}
