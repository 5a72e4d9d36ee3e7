import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { codexBinary } from './codex-binaries.ts';
import type { SeedChildPlan } from './seed-child.ts';
import type { SeedGround } from './seed-ground.ts';

/** A program of its own that runs a session under a seed. Disposal kills it. */
export interface SeedProgram extends AsyncDisposable {
  /** Resolves when it has said this line, past ones included. @throws when it ends without it. */
  said(line: string): Promise<void>;
  turn(): void;
  signal(name: 'SIGSTOP' | 'SIGKILL'): void;
}

export async function startSeedProgram(
  ground: SeedGround,
  { leaseMs, name }: { readonly leaseMs: number; readonly name: string },
): Promise<SeedProgram> {
  const { config, env, folder, place, ssh, version } = ground;
  const plan: SeedChildPlan = {
    ...{ place, leaseMs, version, config, env, workdir: join(folder, name) },
    ...{ codex: await codexBinary(version), ...(ssh === undefined ? {} : { ssh }) },
  };
  const file = join(import.meta.dirname, 'seed-child.ts');
  const args = ['--conditions', 'development', file, JSON.stringify(plan)];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  const lines: string[] = [];
  let heard = Promise.withResolvers<void>();
  let isOver = false;
  const wake = (): void => {
    heard.resolve();
    heard = Promise.withResolvers();
  };
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    wake();
  });
  void closed.then(() => {
    isOver = true;
    wake();
  });
  child.stdin.on('error', () => undefined);
  return {
    async said(line) {
      for (;;) {
        const next = heard.promise;
        if (lines.includes(line)) return;
        if (isOver) throw new Error(`The program ended without ${line}. It said: ${lines.join(', ')}.`);
        await next;
      }
    },
    turn: () => void child.stdin.write('Are you there?\n'),
    signal: (signal) => void child.kill(signal),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await closed;
    },
  };
}
