// Usage: node seed-child.ts <SeedChildPlan as JSON>. Opens a session under a seed and says so; every line on its standard input is a turn. It waits to be killed.
import { createInterface } from 'node:readline';
import type { Host } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { openSshHost } from '@seedbed/host/ssh';
import { type CodexConfig, openCodexSession } from '../src/index.ts';
import { PATIENT } from './patient-deadlines.ts';
import { openSeedDrawer, type SeedPlace } from './seed-drawer.ts';

/** How a program reaches a host. */
export interface SshTarget {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly privateKey: string;
  readonly fingerprint: string;
}

export interface SeedChildPlan {
  readonly place: SeedPlace;
  /** This machine itself where there is none. */
  readonly ssh?: SshTarget;
  readonly leaseMs: number;
  readonly workdir: string;
  readonly version: string;
  readonly codex: string;
  readonly config: CodexConfig;
  readonly env: Readonly<Record<string, string>>;
}

export async function openHost(ssh: SshTarget | undefined): Promise<Host> {
  if (ssh === undefined) return createLocalHost();
  const { host, port, user, privateKey, fingerprint } = ssh;
  return await openSshHost({ host, port, user, auth: { privateKey }, hostKey: { fingerprint } });
}

if (import.meta.main) await main(JSON.parse(process.argv[2] ?? ''));

async function main(plan: SeedChildPlan): Promise<void> {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  const host = await openHost(plan.ssh);
  const { seeds } = await openSeedDrawer(plan.place, {
    ...{ host, leaseMs: plan.leaseMs },
    onEvent: ({ type }) => say(`event ${type}`),
  });
  const session = await openCodexSession({
    ...{ host, task: 'killed', workdir: plan.workdir, version: plan.version, binary: { path: plan.codex } },
    ...(host.uid === 0 ? { allowEscapableRoot: true } : {}),
    deadlines: PATIENT,
    ...{ config: plan.config, env: plan.env, seed: { from: seeds, use: { pool: 'team' } } },
  });
  void session.ended.then(({ state }) => say(`ended ${state}`));
  say('open');
  for await (const text of createInterface({ input: process.stdin })) {
    const { outcome } = await session.conversation.run(text);
    say(`turn ${outcome.status}`);
  }
}
