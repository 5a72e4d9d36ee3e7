import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryBlobStore } from '@seedbed/blob-store/testing';
import { createEventLog, initialConversationState } from '@seedbed/conversation-protocol';
import { hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { createSnapshots } from '@seedbed/snapshots';
import { createMemorySnapshotIndex } from '@seedbed/snapshots/testing';
import { expect, it } from 'vitest';
import type { OpenedCodexConversation } from '../open-codex-conversation.ts';
import { type CodexSession, createSession } from './codex-session.ts';
import type { SessionSnapshots } from './session-snapshots.ts';

/** A session of a Codex that says nothing and ends when it is asked to. */
async function openSession(
  snapshots: Pick<SessionSnapshots, 'onSaved' | 'lastSaveMs'>,
): Promise<{ readonly session: CodexSession } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'seedbed-session-'));
  const log = createEventLog();
  const conversation = {
    threadId: '01999999-0000-7000-8000-000000000000',
    state: () => initialConversationState,
    events: (options) => log.read(options),
    async end() {
      log.close();
      return { kind: 'exited', code: 0 };
    },
  } satisfies Partial<OpenedCodexConversation> as Partial<OpenedCodexConversation> as OpenedCodexConversation;
  const index = createMemorySnapshotIndex();
  const store = createSnapshots({ index, blobs: createMemoryBlobStore(), encryption: 'plaintext' });
  const session = createSession({
    ...{ host: createLocalHost(), workdir: hostPath(path), task: 't', conversation },
    ...{ snapshots: { store, ...snapshots }, exclude: [], login: undefined, resumed: undefined },
    ...{ factsBase: { sandbox: {} }, codexVersion: '0.169.0', follows: 0, journal: undefined },
  });
  return { session, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

it.each<readonly [string, () => unknown]>([
  [
    'throws',
    () => {
      throw new Error('No.');
    },
  ],
  ['rejects', () => Promise.reject(new Error('No.'))],
  ['never comes to an end', () => new Promise(() => undefined)],
])('ends as it would without a listener that %s', async (_, onSaved) => {
  await using ground = await openSession({ onSaved });
  expect(await ground.session.end()).toMatchObject({ state: 'done', failures: [], snapshot: {} });
});

it.each([Number.POSITIVE_INFINITY, 2 ** 40])(
  'is saved at its end, which may take %d ms',
  async (lastSaveMs) => {
    await using ground = await openSession({ lastSaveMs });
    expect(await ground.session.end()).toMatchObject({ failures: [], snapshot: {} });
  },
);
