import type { Host } from '@seedbed/host';
import {
  createSeeds,
  type JournalEntry,
  type SeedHost,
  type SeedJournal,
  type SeedStore,
  type Seeds,
} from '../src/index.ts';
import { SeedError } from '../src/seed-error.ts';
import { testCredentialKind, testManifest } from '../src/testing/index.ts';
import { type Climate, hostOf, LEASE_MS, type World } from './chaos-world.ts';
import { createMemoryJournal, type MemoryJournal } from './memory-journal.ts';
import type { SimulatedClock } from './simulated-clock.ts';

/** After how long a store counts as away. */
const ANSWER_MS = 30_000;

const CALM: Climate = {
  mortality: 0,
  outages: 0,
  lostAnswers: 0,
  lateChanges: 0,
  fullDisks: 0,
  cutLinks: 0,
};

export interface Program {
  readonly seeds: Seeds;
  readonly host: SeedHost;
  readonly name: string;
  isDead(): boolean;
  /** Resolves when it is killed; never if it isn't. */
  readonly death: Promise<void>;
  readonly clock: SimulatedClock;
}

interface ProgramSettings {
  readonly machine: string;
  readonly name: string;
  /** What may happen to it; nothing, unless given. */
  readonly climate?: Climate;
}

/** A program that may die wherever it asks its store, its disk or its host for something: from then on nothing that it does has any effect. */
export function startProgram(world: World, { machine, name, climate = CALM }: ProgramSettings): Program {
  const { dice } = world;
  const death = Promise.withResolvers<void>();
  const never = new Promise<never>(() => undefined);
  let dead = false;
  let awayUntil = 0;
  const step = async (): Promise<void> => {
    if (!dead && dice.happens(climate.mortality)) {
      dead = true;
      world.kills += 1;
      own.die(name);
      world.story.tell('', `${name} dies`);
      death.resolve();
    }
    if (dead) await never;
  };
  const shared = world.journals.get(machine) ?? createMemoryJournal();
  const own = shared.another(name);
  const journal = mortalJournal(own, { step, isDiskFull: () => dice.happens(climate.fullDisks) });
  const unavailable = (): SeedError => new SeedError('store-unavailable', 'The store is away.');
  const another = world.store.another({
    async intercept(operation, moment) {
      await step();
      const now = world.clock.monotonicMs();
      if (dice.happens(climate.outages)) awayUntil = now + dice.upTo(dice.happens(0.5) ? LEASE_MS * 2 : 100);
      if (now < awayUntil) throw unavailable();
      if (operation === 'update' && moment === 'after' && dice.happens(climate.lostAnswers))
        throw unavailable();
    },
  });
  const store: SeedStore = {
    ...another,
    async update(read, change) {
      if (!dice.happens(climate.lateChanges)) return await another.update(read, change);
      await step();
      // It is on its way, whatever becomes of the program.
      void world.clock.sleep(dice.upTo(LEASE_MS * 2)).then(() => world.store.update(read, change));
      await world.clock.sleep(ANSWER_MS);
      await step();
      throw unavailable();
    },
  };
  const clock: SimulatedClock = {
    ...world.clock,
    async sleep(ms, options) {
      await world.clock.sleep(ms, options);
      if (dead) await never;
    },
  };
  const seeds = createSeeds({
    store,
    kind: testCredentialKind,
    manifest: testManifest,
    sealing: 'plaintext',
    journal,
    clock,
    leaseMs: LEASE_MS,
    reach: (place) =>
      dice.happens(climate.cutLinks) ? undefined : considerate(world, mortalHost(hostOf(world, place), step)),
    onEvent: (event) => {
      world.events.push(event);
      world.story.tellEvent(name, event);
    },
  });
  const host = mortalHost(hostOf(world, machine), step);
  return { seeds, host, name, isDead: () => dead, death: death.promise, clock };
}

function mortalHost(host: Host, step: () => Promise<void>): SeedHost {
  const mortal =
    <A extends unknown[], T>(work: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      await step();
      const result = await work(...args);
      await step();
      return result;
    };
  return {
    ...host,
    label: host.label,
    readFile: mortal(host.readFile),
    writeFile: mortal(host.writeFile),
    stat: mortal(host.stat),
    makeDirectory: mortal(host.makeDirectory),
    remove: mortal(host.remove),
    rename: mortal(host.rename),
    async *watch(path, options) {
      for await (const change of host.watch(path, options)) {
        await step();
        yield change;
      }
    },
  };
}

/** Takes no file away while a refresh of it is under way. */
function considerate({ busy, clock }: World, host: SeedHost): SeedHost {
  return {
    ...host,
    async rename(from, to) {
      while (busy.has(from)) await clock.sleep(100);
      await host.rename(from, to);
    },
  };
}

/**
 * Dies before and after whatever it notes; but not with the provider's answer in hand, which nothing outside of a program can keep for it. Its disk is full now and then, but for such
 * an answer.
 */
function mortalJournal(
  journal: MemoryJournal,
  { step, isDiskFull }: { readonly step: () => Promise<void>; readonly isDiskFull: () => boolean },
): SeedJournal {
  const mortal = ({ note, remove, release }: JournalEntry): JournalEntry => ({
    note,
    async remove() {
      await step();
      await remove();
      await step();
    },
    release,
  });
  return {
    async write(note) {
      const isAnswer = note.type === 'credential' && note.how === 'refreshed';
      if (!isAnswer) await step();
      if (!isAnswer && isDiskFull()) throw new SeedError('journal-failed', 'The disk is full.');
      const entry = await journal.write(note);
      await step();
      return mortal(entry);
    },
    async take() {
      await step();
      return (await journal.take()).map(mortal);
    },
  };
}
