import type {
  ApprovalAnswer,
  ApprovalDecision,
  ApprovalSubject,
  FileChange,
  QuestionAnswer,
  QuestionSubject,
} from '@seedbed/conversation-protocol';

/** An approval before it has an id and a deadline. */
export interface ApprovalDraft {
  /** The turn that runs, when the request does not say. */
  readonly turnId?: string;
  readonly itemId?: string;
  readonly reason?: string;
  readonly subject: ApprovalSubject;
  readonly answers: readonly ApprovalAnswer[];
}

export interface QuestionDraft {
  readonly turnId?: string;
  readonly subject: QuestionSubject;
  /** When the agent itself will stop waiting, in milliseconds from now. */
  readonly withinMs?: number;
}

/** An access token that Codex is lent: it gets no refresh token with it. */
export interface HostTokens {
  readonly accessToken: string;
  readonly account: string;
  readonly plan?: string;
}

/**
 * Experimental. Whoever keeps the login of a Codex that has none of its own: gives it an access token, at the start and after each time that the one it had was refused, then with the
 * account that it was for. `undefined` when there is none to be had. The refresh token never leaves this program.
 */
export type TokenLender = (request: {
  readonly reason: 'start' | 'refused';
  readonly previousAccount?: string;
}) => Promise<HostTokens | undefined>;

/** Who settles what Codex asks. Each promise settles, at the latest by its deadline or the end of the conversation. */
export interface ServerRequestDesk {
  approve(draft: ApprovalDraft): Promise<ApprovalDecision>;
  ask(draft: QuestionDraft): Promise<QuestionAnswer>;
  /** The changes of a file-change item that was announced: the approval request itself does not carry them. */
  announcedChanges(itemId: string): readonly FileChange[];
  /** How this Codex version says "denied" in the approvals of the first protocol. */
  readonly legacyDenial: unknown;
  /**
   * Experimental. A fresh access token for the account that Codex used last, from whoever keeps the login away from Codex's disk;
   * `undefined` when there is none to be had. Missing where Codex keeps its own login.
   */
  freshTokens?(previousAccount: string | undefined): Promise<HostTokens | undefined>;
  /** Ends the turn, for answers that cannot say so themselves. */
  interrupt(): void;
  now(): number;
}

/** One kind of request that Codex sends to its client, and how it is answered. */
export interface ServerRequestHandler {
  readonly method: string;
  /** The result to send back. Throwing a {@link RefusedServerRequest} sends a JSON-RPC error. */
  answer(params: unknown, desk: ServerRequestDesk): Promise<unknown>;
}

/** Answered with a JSON-RPC error. `rpcCode` is one of JSON-RPC's: -32601 method not found, -32602 invalid params. */
export class RefusedServerRequest extends Error {
  override readonly name = 'RefusedServerRequest';
  readonly rpcCode: number;

  constructor(rpcCode: number, message: string) {
    super(message);
    this.rpcCode = rpcCode;
  }
}

export function invalidParams(method: string): RefusedServerRequest {
  return new RefusedServerRequest(-32602, `${method} came with parameters that this client cannot read.`);
}
