/**
 * - `invalid-submission`: a client sent something that is not a submission.
 * - `invalid-event`: what was read back or received is not an event of this protocol.
 * - `gap`: events were applied out of order; read again from the last `seq` that was applied.
 */
export type ConversationProtocolErrorCode = 'invalid-submission' | 'invalid-event' | 'gap';

export class ConversationProtocolError extends Error {
  override readonly name = 'ConversationProtocolError';
  readonly code: ConversationProtocolErrorCode;

  constructor(code: ConversationProtocolErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
