import type { Host, HostPath } from '@seedbed/host';
import type { SeedEvent } from '../src/index.ts';
import type { createMemorySeedStore } from '../src/testing/index.ts';
import type { ChaosStory } from './chaos-story.ts';
import type { Dice } from './dice.ts';
import type { MemoryJournal } from './memory-journal.ts';
import type { OldHomes } from './old-homes.ts';
import type { RotatingProvider } from './rotating-provider.ts';
import type { SimulatedClock } from './simulated-clock.ts';

export const LEASE_MS = 60_000;

/** How bad the days of a run are: probabilities, each of one step. */
export interface Climate {
  /** Of dying at any question to store, disk or host. */
  readonly mortality: number;
  /** Of the store going away, for up to two leases. */
  readonly outages: number;
  /** Of a change that is made, and whose answer is lost. */
  readonly lostAnswers: number;
  /** Of a change that gets no answer, and comes to the store all the same: up to two leases later. */
  readonly lateChanges: number;
  /** Of a note that the disk does not take. */
  readonly fullDisks: number;
  /** Of a place that cannot be reached from elsewhere. */
  readonly cutLinks: number;
}

export interface World {
  readonly dice: Dice;
  readonly climate: Climate;
  readonly clock: SimulatedClock;
  readonly provider: RotatingProvider;
  readonly store: ReturnType<typeof createMemorySeedStore>;
  readonly hosts: ReadonlyMap<string, Host>;
  readonly journals: ReadonlyMap<string, MemoryJournal>;
  readonly oldHomes: OldHomes;
  readonly violations: string[];
  readonly events: SeedEvent[];
  /** What happened to whom, for who wants to know why. */
  readonly story: ChaosStory;
  /** Every fencing token that was given out. */
  readonly fences: Set<string>;
  /** Files of agents that have a refresh under way. */
  readonly busy: Set<HostPath>;
  kills: number;
  homes: number;
}

export function hostOf(world: World, machine: string): Host {
  const host = world.hosts.get(machine);
  if (host === undefined) throw new Error(`there is no ${machine}`);
  return host;
}
