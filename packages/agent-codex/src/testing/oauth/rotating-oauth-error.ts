/**
 * What can go wrong with a rotating OAuth server.
 *
 * - `invalid-options`: the options, or a fault, do not have their shape; the message names the member.
 * - `cannot-listen`: the port is taken or not allowed; `cause` has what the system said.
 * - `no-such-account`, `no-such-device`: a name that this server does not know; the message lists those it does.
 * - `closed`: the server was closed, or its process ended, while somebody waited.
 */
export type RotatingOAuthErrorCode =
  | 'invalid-options'
  | 'cannot-listen'
  | 'no-such-account'
  | 'no-such-device'
  | 'closed';

/** The one error class of the rotating OAuth server. The message says what was tried, what happened and what to do. */
export class RotatingOAuthError extends Error {
  override readonly name = 'RotatingOAuthError';
  readonly code: RotatingOAuthErrorCode;

  constructor(code: RotatingOAuthErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
