import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { type LinkProxy, openLinkProxy } from '@seedbed/host/testing';
import type { ChaosStore, MongodbPlace } from './chaos-plan.ts';
import type { Dice } from './dice.ts';

/** A store that can be taken away from all programs of a run at once. */
export interface FragileStore extends AsyncDisposable {
  readonly store: ChaosStore;
  /** Takes it away for this long. */
  away(ms: number, dice: Dice): Promise<void>;
}

/** Away: somebody writes, and does not come to an end. */
export function fragileSqlite(file: string): FragileStore {
  return {
    store: { kind: 'sqlite', file },
    async away(ms) {
      const database = new DatabaseSync(file, { timeout: 60_000 });
      try {
        database.exec('BEGIN EXCLUSIVE');
        await sleep(ms);
        database.exec('ROLLBACK');
      } finally {
        database.close();
      }
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** Away: connections break and none are taken, or the line is dead. Cut in the middle, so that answers are lost to what was done. */
export async function fragileMongodb({ uri, ...place }: MongodbPlace): Promise<FragileStore> {
  const { hostname, port } = new URL(uri);
  const link = await openLinkProxy({ host: hostname, port: Number(port) });
  const through = new URL(uri);
  through.host = `${link.host}:${link.port}`;
  through.searchParams.set('directConnection', 'true');
  return {
    store: { ...place, uri: through.href },
    away: (ms, dice) => breakLink(link, ms, dice),
    [Symbol.asyncDispose]: () => link[Symbol.asyncDispose](),
  };
}

async function breakLink(link: LinkProxy, ms: number, dice: Dice): Promise<void> {
  if (dice.happens(0.3)) {
    link.stall();
    await sleep(ms);
    link.resume();
    return;
  }
  link.refuse();
  if (dice.happens(0.5)) link.cutAfter(Math.floor(dice.upTo(2_000)), 'down');
  else link.cut();
  await sleep(ms);
  link.cut();
  link.accept();
}
