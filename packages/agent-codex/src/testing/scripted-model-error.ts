/**
 * What can go wrong with a scripted model.
 *
 * - `invalid-story`: the story is not one; the message names the place in it.
 * - `cannot-listen`: the port is taken or not allowed; `cause` has what the system said.
 * - `no-such-hold`: `release` was told a name that no step of the story holds on.
 * - `closed`: the model was closed while somebody waited for a request.
 * - `aborted`: the caller's signal fired while waiting.
 * - `unreadable-request`, `request-too-large`: what Codex is answered (status 400, 413); a caller never sees them.
 */
export type ScriptedModelErrorCode =
  | 'invalid-story'
  | 'cannot-listen'
  | 'no-such-hold'
  | 'closed'
  | 'aborted'
  | 'unreadable-request'
  | 'request-too-large';

/** The one error class of the scripted model. The message says what was tried, what happened and what to do. */
export class ScriptedModelError extends Error {
  override readonly name = 'ScriptedModelError';
  readonly code: ScriptedModelErrorCode;

  constructor(code: ScriptedModelErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
