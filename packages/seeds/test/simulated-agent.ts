import { type Host, type HostPath, readText } from '@seedbed/host';
import type { SeedLease } from '../src/index.ts';
import { testCredentialKind } from '../src/testing/index.ts';
import { LEASE_MS, type World } from './chaos-world.ts';
import { loginIn } from './ground.ts';
import type { Program } from './mortal-program.ts';

interface AgentRun {
  readonly lease: SeedLease;
  readonly host: Host;
  readonly home: HostPath;
}

/**
 * Rotates its login now and then, as long as its program lives and holds the lease, and for a while after that. Reads the file before, as the real one does; its file is not taken
 * away while a refresh is under way: the token would be lost, whoever did it.
 */
export async function runAgent(
  world: World,
  program: Program,
  { lease, host, home }: AgentRun,
): Promise<void> {
  const { dice, clock, provider, busy } = world;
  const endMs = clock.monotonicMs() + dice.upTo(150_000);
  let goesOnUntilMs = Number.POSITIVE_INFINITY;
  lease.signal.addEventListener('abort', () => {
    goesOnUntilMs = clock.monotonicMs() + dice.upTo(LEASE_MS / 2);
  });
  const isStopped = (): boolean => program.isDead() || clock.monotonicMs() > goesOnUntilMs;
  const path = loginIn(home);
  while (clock.monotonicMs() < endMs) {
    await clock.sleep(dice.upTo(dice.happens(0.5) ? 30_000 : 1_000));
    if (isStopped()) break;
    const text = await readText(host, path).catch(() => '{}');
    const reading = testCredentialKind.read(Buffer.from(text));
    if (isStopped() || reading.state !== 'logged-in' || busy.has(path)) break;
    busy.add(path);
    const { account, token } = JSON.parse(text);
    world.story.tell(account, `the agent of ${lease.holder.slice(0, 9)} spends ${token}`);
    const next = provider.rotate(account, token);
    if (next !== undefined) {
      await clock.sleep(dice.upTo(1_000));
      if (dice.happens(0.2)) await host.writeFile(path, next.subarray(0, 10));
      await host.writeFile(path, next);
    }
    busy.delete(path);
    if (next === undefined) break;
  }
  if (program.isDead()) await new Promise(() => undefined);
}
