import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Seeds in documents of their own, or in the layout of a pool that another program uses too. */
export interface MongodbPlace {
  readonly kind: 'mongodb';
  readonly uri: string;
  readonly database: string;
  readonly layout: 'own' | 'shared';
}

/** The store that all programs of a run share. */
export type ChaosStore = { readonly kind: 'sqlite'; readonly file: string } | MongodbPlace;

/** How this machine is reached through an sshd. */
export interface ChaosSsh {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly privateKeyFile: string;
  readonly fingerprint: string;
}

/** What every program of a run is told, in a file. */
export interface ChaosPlan {
  /** All dice of the run come out of it. */
  readonly number: number;
  readonly folder: string;
  /** Carried by every process of the run in `SEEDBED_CHAOS`, so that those that are left can be found. */
  readonly mark: string;
  readonly store: ChaosStore;
  readonly tokenUrl: string;
  readonly leaseMs: number;
  /** How many tasks a controller runs at once. */
  readonly tasks: number;
  readonly ssh: ChaosSsh | undefined;
}

export const POOL = 'team';

export const CHAOS_MARK = 'SEEDBED_CHAOS';

export function planFile(folder: string): string {
  return join(folder, 'plan.json');
}

export function readPlan(file: string): ChaosPlan {
  const plan: ChaosPlan = JSON.parse(readFileSync(file, 'utf8'));
  return plan;
}
