import type {
  ApprovalDecision,
  ApprovalRequest,
  BackgroundProcess,
  Controls,
  EventMessage,
  QuestionAnswer,
  QuestionRequest,
} from '@seedbed/conversation-protocol';
import type { HostFiles, HostPath } from '@seedbed/host';
import type { AppServer } from '../app-server/app-server.ts';
import type { CodexTraits } from '../codex-version.ts';
import type { Deadlines } from './deadlines.ts';
import type { SettlementDesk } from './settlement-desk.ts';
import type { TurnTracker } from './turn-tracker.ts';

/** What the operations of one conversation share. */
export interface SessionContext {
  readonly server: AppServer;
  /** Of the host that Codex runs on. */
  readonly files: HostFiles;
  readonly workdir: HostPath;
  readonly traits: CodexTraits;
  readonly threadId: string;
  readonly turns: TurnTracker;
  readonly approvals: SettlementDesk<ApprovalRequest, ApprovalDecision>;
  readonly questions: SettlementDesk<QuestionRequest, QuestionAnswer>;
  readonly deadlines: Deadlines;
  /** The policy as `turn/start` says it: sent with every turn, because a resumed thread forgets it. */
  readonly turnPolicy: Readonly<Record<string, unknown>>;
  /** Knobs for the next turn. */
  controls: Controls;
  /** Files that the agent has not been told of yet. */
  uploads: readonly string[];
  /** What the agent is to be told with the next turn, by this program. */
  notices: readonly string[];
  /** As they were last reported. */
  backgroundProcesses: readonly BackgroundProcess[];
  /** What comes after `closed` is dropped. */
  append(msg: EventMessage, submissionId?: string): void;
  /** Everything has been settled and `closed` is in the log. */
  readonly finished: Promise<void>;
}
