// Usage: node session-child.ts <SessionChildPlan as JSON>. Runs turns, each of which is saved, says so, runs others that are not, and waits to be killed.
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConversationState } from '@seedbed/conversation-protocol';
import { hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import type { CodexConfig } from '../src/index.ts';
import { openCodexSession } from '../src/index.ts';
import { journalPath } from '../src/session/event-journal.ts';
import { PATIENT } from './patient-deadlines.ts';
import { openSnapshotStore, type StorePlace } from './snapshot-store.ts';

export interface SessionChildPlan {
  readonly store: StorePlace;
  readonly workdir: string;
  readonly version: string;
  readonly codex: string;
  readonly config: CodexConfig;
  readonly env: Readonly<Record<string, string>>;
  readonly turns: readonly string[];
  /** Turns after them that no snapshot holds, and the journal does. */
  readonly unsaved?: readonly string[];
  readonly brief?: string;
  /** Whose processes these are, for whoever looks for them. */
  readonly mark: string;
}

const plan: SessionChildPlan = JSON.parse(process.argv[2] ?? '');
const { snapshots } = await openSnapshotStore(plan.store);
const host = createLocalHost();
let saves = 0;
let onSaved = Promise.withResolvers<void>();
const session = await openCodexSession({
  ...{ host, task: 'task-1', workdir: plan.workdir, version: plan.version, binary: { path: plan.codex } },
  ...(plan.brief === undefined ? {} : { brief: plan.brief }),
  deadlines: PATIENT,
  config: plan.config,
  env: { ...plan.env, SEEDBED_TEST: plan.mark },
  snapshots: {
    store: snapshots,
    // Those that are to be saved are saved by asking.
    ...(plan.unsaved === undefined ? { quietMs: 20 } : { afterTurns: false }),
    onSaved() {
      saves += 1;
      onSaved.resolve();
    },
    onSaveFailed: (failure) => onSaved.reject(failure),
  },
});
for (const text of plan.turns) {
  onSaved = Promise.withResolvers<void>();
  const { outcome } = await session.conversation.run(text);
  if (plan.unsaved === undefined) await onSaved.promise;
  else await session.snapshot();
  process.stdout.write(`${outcome.status} ${session.conversation.threadId} ${saves}\n`);
}
for (const text of plan.unsaved ?? []) await session.conversation.run(text);
// Codex may tell of a command's end after that of its turn, and of the next turn.
const isRunning = ({ turns }: ConversationState): boolean =>
  turns.some(({ items }) => items.some((item) => item.kind === 'command' && item.status === 'in-progress'));
while (plan.unsaved !== undefined && isRunning(session.conversation.state())) await sleep(20);
// Written as it happens, by a program that is not this one: it may be a moment behind.
const last = `{"seq":${session.conversation.state().lastSeq},`;
while (
  plan.unsaved !== undefined &&
  !(await readFile(journalPath(hostPath(plan.workdir)), 'utf8')).includes(last)
)
  await sleep(20);
process.stdout.write('waiting\n');
setInterval(() => undefined, 60_000);
