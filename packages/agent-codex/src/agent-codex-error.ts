/**
 * - `invalid-config`: the options contradict themselves or cannot be read; the message names the field.
 * - `launch-failed`: Codex could not be started, or ended before it answered.
 * - `not-ready`: Codex started and did not answer in time.
 * - `wrong-version`: the binary is not the version that was asked for.
 * - `policy-mismatch`: Codex reports another sandbox or approval policy than the one it was given; nothing has been run.
 * - `downgrade-refused`: the thread was touched by a newer Codex; continuing with an older one would make it unreadable for both.
 * - `thread-not-found`: there is no such thread to resume.
 * - `not-saved`: a task was to go on from a snapshot, and there is none.
 * - `invalid-snapshot`: a snapshot is none of a Codex task, so that nothing says which thread it belongs to.
 * - `login-refused`: nobody was logged in; the message has Codex's words.
 * - `login-expired`: nobody typed the code of a device in time.
 * - `not-logged-in`: Codex calls a login done that is not whole in its file.
 * - `agent-lost`: Codex ended, broke its protocol or its host went away; what was under way may have happened in part.
 * - `agent-error`: Codex answered a request with an error.
 * - `deadline-exceeded`: Codex did not answer this request in time.
 * - `turn-running`: a turn is running; steer or interrupt it, or wait for its end.
 * - `no-turn-running`: there is nothing to steer.
 * - `invalid-submission`: what was submitted, or given to `run`, does not have the shape that it should; the message names the member.
 * - `not-pending`: the approval or question is settled already, or never was.
 * - `invalid-answer`: the answer does not fit what was asked.
 * - `unsupported`: this Codex version cannot do it.
 * - `closed`: the conversation has ended.
 * - `aborted`: the caller's signal fired.
 */
export type AgentCodexErrorCode =
  | 'invalid-config'
  | 'launch-failed'
  | 'not-ready'
  | 'wrong-version'
  | 'policy-mismatch'
  | 'downgrade-refused'
  | 'thread-not-found'
  | 'not-saved'
  | 'invalid-snapshot'
  | 'login-refused'
  | 'login-expired'
  | 'not-logged-in'
  | 'agent-lost'
  | 'agent-error'
  | 'deadline-exceeded'
  | 'turn-running'
  | 'no-turn-running'
  | 'invalid-submission'
  | 'not-pending'
  | 'invalid-answer'
  | 'unsupported'
  | 'closed'
  | 'aborted';

/** The one error class of this package. No message holds a key or token. */
export class AgentCodexError extends Error {
  override readonly name = 'AgentCodexError';
  readonly code: AgentCodexErrorCode;

  constructor(code: AgentCodexErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
