import type { Host, HostPath } from '@seedbed/host';
import type { OpenedCodexConversation } from '../open-codex-conversation.ts';
import type { JournalId } from './event-journal.ts';
import type { SessionLogin } from './session-seed.ts';
import type { ResumeReport, SessionSnapshots } from './session-snapshots.ts';
import type { ToldDigests } from './told-texts.ts';

/** What a session is made of, once it is open. */
export interface SessionParts {
  readonly host: Host;
  readonly workdir: HostPath;
  readonly task: string;
  readonly conversation: OpenedCodexConversation;
  readonly login: SessionLogin | undefined;
  readonly snapshots: SessionSnapshots | undefined;
  readonly exclude: readonly string[];
  readonly resumed: ResumeReport | undefined;
  readonly factsBase: { readonly sandbox: unknown } & ToldDigests;
  /** The newest that has touched the thread. */
  readonly codexVersion: string;
  /** The number of the snapshot that the workdir comes from; 0 where there is none. */
  readonly follows: number;
  /** Where there are snapshots: where events are kept until one holds them. */
  readonly journal: { readonly id: JournalId; readonly savedSeq: number } | undefined;
}
