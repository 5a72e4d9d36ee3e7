import type { ConversationEvent } from '@seedbed/conversation-protocol';
import type { EndState, SavedSnapshot } from '@seedbed/snapshots';
import { AgentCodexError } from '../agent-codex-error.ts';
import type { OpenedCodexConversation } from '../open-codex-conversation.ts';
import { EVENTS_RECORD, encodeEvents } from './event-record.ts';
import type { SessionParts } from './session-parts.ts';
import { REGENERABLE_FILE } from './size-limit.ts';
import { CODEX_SNAPSHOT_REQUIRED } from './snapshot-exclude.ts';
import { asJson, factsAsJson, type TaskFacts } from './task-facts.ts';
import { writeTaskMark } from './task-mark.ts';

/** What there is now. Taken before the files are read, so that the log never tells of a turn that is not in the files. */
function eventsUpTo(
  conversation: OpenedCodexConversation,
  lastSeq: number,
): AsyncIterable<ConversationEvent> {
  return (async function* () {
    if (lastSeq === 0) return;
    for await (const event of conversation.events()) {
      yield event;
      if (event.seq >= lastSeq) return;
    }
  })();
}

/** One snapshot of a task, and the mark of it on the host. */
export async function saveTask(
  parts: SessionParts,
  {
    endState,
    turnsBefore,
    follows,
    lastSeq,
    signal,
  }: {
    readonly endState: EndState;
    readonly turnsBefore: number;
    readonly follows: { readonly number: number; readonly writer: string };
    readonly lastSeq: number;
    readonly signal: AbortSignal;
  },
): Promise<SavedSnapshot> {
  const { host, workdir, task, snapshots, exclude, conversation } = parts;
  if (snapshots === undefined)
    throw new AgentCodexError('unsupported', 'The session has no store of snapshots.');
  const saved = await snapshots.store.save(host, workdir, {
    ...{ task, endState, exclude, follows, required: CODEX_SNAPSHOT_REQUIRED },
    regenerableFile: REGENERABLE_FILE,
    facts: factsAsJson(factsOf(parts, turnsBefore)),
    records: { [EVENTS_RECORD]: encodeEvents(eventsUpTo(conversation, lastSeq)) },
    ...(snapshots.labels === undefined ? {} : { labels: snapshots.labels }),
    ...(snapshots.keep === undefined ? {} : { keep: snapshots.keep }),
    ...(snapshots.maxBytes === undefined ? {} : { maxBytes: snapshots.maxBytes }),
    ...(snapshots.onSaveProgress === undefined ? {} : { onProgress: snapshots.onSaveProgress }),
    signal,
  });
  const { saveId } = saved.snapshot;
  // The snapshot counts without it: then the next session restores it rather than keep what is there.
  const journal = parts.journal && { journal: parts.journal.id };
  await writeTaskMark(host, workdir, { task, saveId, codexVersion: parts.codexVersion, ...journal }).catch(
    () => undefined,
  );
  return saved;
}

/** What the next session has to know of this one. */
export function factsOf(
  { conversation, factsBase, codexVersion, resumed }: SessionParts,
  turnsBefore: number,
): TaskFacts {
  const { turns, controls } = conversation.state();
  const hasTurns = resumed?.thread === 'resumed' || turns.length > turnsBefore;
  const { model, effort } = controls;
  const { sandbox, ...digests } = factsBase;
  return {
    agent: 'codex',
    codexVersion,
    sandbox: asJson(sandbox),
    ...digests,
    // Before its first turn Codex keeps nothing of a thread.
    ...(hasTurns ? { threadId: conversation.threadId } : {}),
    ...(model === undefined ? {} : { model }),
    ...(effort === undefined ? {} : { effort }),
  };
}
