// Usage: node rival-child.ts <RivalPlan as JSON>. Opens a session of a task, says `open`, and waits for a line; then it runs a turn, saves, ends, and prints a RivalReport.
import { once } from 'node:events';
import { createLocalHost } from '@seedbed/host/local';
import { SnapshotError } from '@seedbed/snapshots';
import { type CodexConfig, openCodexSession } from '../src/index.ts';
import { PATIENT } from './patient-deadlines.ts';
import { openSnapshotStore, type StorePlace } from './snapshot-store.ts';

export interface RivalPlan {
  readonly store: StorePlace;
  readonly workdir: string;
  readonly version: string;
  readonly codex: string;
  readonly config: CodexConfig;
  readonly env: Readonly<Record<string, string>>;
}

export interface RivalReport {
  readonly threadId: string;
  /** `saved`, or the code of the failure: of the snapshot after the turn, and of the one at the end. */
  readonly saves: readonly string[];
}

const codeOf = (failure: unknown): string =>
  failure instanceof SnapshotError ? failure.code : String(failure);

const plan: RivalPlan = JSON.parse(process.argv[2] ?? '');
await using store = await openSnapshotStore(plan.store);
await using host = createLocalHost();
const session = await openCodexSession({
  ...{ host, task: 'task-1', workdir: plan.workdir, version: plan.version, binary: { path: plan.codex } },
  ...{ config: plan.config, env: plan.env, deadlines: PATIENT },
  snapshots: { store: store.snapshots, afterTurns: false },
});
process.stdout.write('open\n');
await once(process.stdin, 'data');
process.stdin.destroy();
await session.conversation.run('Go on.');
const first = await session.snapshot().then(() => 'saved', codeOf);
const { failures } = await session.end();
const { threadId } = session.conversation;
const last = failures.length === 0 ? 'saved' : failures.map(({ error }) => codeOf(error)).join(', ');
process.stdout.write(`${JSON.stringify({ threadId, saves: [first, last] } satisfies RivalReport)}\n`);
