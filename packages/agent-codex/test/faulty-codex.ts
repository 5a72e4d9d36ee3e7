import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Host, hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import {
  type CodexConversationOptions,
  type OpenedCodexConversation,
  openCodexConversation,
} from '../src/index.ts';
import { type AppServerFault, fakeAppServerCommand } from '../src/testing/index.ts';

export interface FaultyCodex extends AsyncDisposable {
  readonly folder: string;
  /** Opens a conversation with it. What must be done in time has time; what a fault keeps from being done is not waited for long. */
  open(options?: Partial<CodexConversationOptions>): Promise<OpenedCodexConversation>;
}

const deadlines = { startMs: 50_000, requestMs: 20_000, answerMs: 1_000, interruptMs: 500, endMs: 500 };

/** How Codex reports that it confines nothing, as `external` wants it. */
const unconfined = {
  activePermissionProfile: { id: ':danger-full-access' },
  sandbox: { type: 'dangerFullAccess' },
};

/** A program that looks like Codex from outside and fails as it is told to. */
export async function openFaultyCodex(
  faults: readonly AppServerFault[],
  fake: Omit<NonNullable<Parameters<typeof fakeAppServerCommand>[0]>, 'faults'> = {},
  host: Host = createLocalHost(),
): Promise<FaultyCodex> {
  const folder = await mkdtemp('/var/tmp/seedbed-faulty-');
  const thread = { ...unconfined, ...fake.answers?.['thread/start'] };
  const { argv } = fakeAppServerCommand({
    ...fake,
    faults,
    answers: { ...fake.answers, 'thread/start': thread },
  });
  const program = join(folder, 'codex');
  await writeFile(program, `#!/bin/sh\nexec ${argv.map(quote).join(' ')} "$@"\n`);
  await chmod(program, 0o755);
  return {
    folder,
    open: (options = {}) =>
      openCodexConversation({
        host,
        workdir: join(folder, 'work'),
        binary: { path: hostPath(program) },
        // The fake confines nothing, and nothing of it needs to be confined.
        sandbox: { mode: 'external' },
        ...options,
        deadlines: { ...deadlines, ...options.deadlines },
      }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }),
  };
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
