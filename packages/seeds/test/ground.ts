import { type HostPath, hostPath, joinHostPath, readText } from '@seedbed/host';
import { createMemoryHost, type MemoryHost } from '@seedbed/host/testing';
import { createSeeds, type SeedEvent, type SeedId, type Seeds, type SeedsOptions } from '../src/index.ts';
import {
  createMemorySeedStore,
  type MemorySeedStore,
  type TestCredential,
  testCredential,
  testCredentialKind,
  testManifest,
} from '../src/testing/index.ts';
import { createSimulatedClock, type SimulatedClock } from './simulated-clock.ts';

export const LEASE_MS = 60_000;
export const ada: TestCredential = { account: 'ada', token: 'token-1', at: 1 };

/** A store, a host and a clock that are nothing but memory, and seeds over them: what most tests stand on. */
export interface Ground extends AsyncDisposable {
  readonly store: MemorySeedStore;
  readonly host: MemoryHost;
  readonly clock: SimulatedClock;
  readonly events: SeedEvent[];
  /** As another program has them. Events of all go into `events`. */
  seeds(options?: Partial<SeedsOptions>): Seeds;
  /** Writes a login into a home. */
  write(home: HostPath, credential: TestCredential | string): Promise<void>;
  /** The login in a home. */
  read(home: HostPath): Promise<TestCredential | undefined>;
  /** Captures a login into the pool `team`. */
  captured(credential?: TestCredential): Promise<SeedId>;
  /** The token that the store has. */
  storedToken(id: SeedId): Promise<string | undefined>;
  types(): readonly string[];
}

export const homeOf = (task: string): HostPath => hostPath(`/home/user/${task}`);
export const loginIn = (home: HostPath): HostPath => joinHostPath(home, '.agent/login.json');

export function openGround(): Ground {
  const clock = createSimulatedClock();
  // The store's clock runs with the programs', and says something else.
  const store = createMemorySeedStore({ now: () => 1_700_000_000_000 + Math.floor(clock.monotonicMs()) });
  const host = createMemoryHost();
  const events: SeedEvent[] = [];
  const opened: Seeds[] = [];
  const ground: Ground = {
    store,
    host,
    clock,
    events,
    seeds(options = {}) {
      const seeds = createSeeds({
        store,
        kind: testCredentialKind,
        manifest: testManifest,
        sealing: 'plaintext',
        journal: 'none',
        clock,
        leaseMs: LEASE_MS,
        reach: () => host,
        onEvent: (event) => events.push(event),
        ...options,
      });
      opened.push(seeds);
      return seeds;
    },
    async write(home, credential) {
      const login = loginIn(home);
      await host.makeDirectory(joinHostPath(home, '.agent'));
      await host.writeFile(login, typeof credential === 'string' ? credential : testCredential(credential), {
        mode: 0o600,
      });
    },
    async read(home) {
      if ((await host.stat(loginIn(home))) === undefined) return undefined;
      return JSON.parse(await readText(host, loginIn(home)));
    },
    async captured(credential = ada) {
      const home = homeOf(`setup-of-${credential.token}`);
      await ground.write(home, credential);
      const id = await ground.seeds().capture({ host, home, pool: 'team' });
      await host.remove(home, { recursive: true });
      return id;
    },
    async storedToken(id) {
      const home = homeOf('look');
      await using lease = await ground.seeds().acquire({ seedId: id }, 'look');
      await lease.plant({ host, home });
      return (await ground.read(home))?.token;
    },
    types: () => events.map(({ type }) => type),
    async [Symbol.asyncDispose]() {
      for (const seeds of opened) await seeds[Symbol.asyncDispose]();
      await host[Symbol.asyncDispose]();
    },
  };
  return ground;
}
