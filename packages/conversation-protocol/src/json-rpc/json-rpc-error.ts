/**
 * What can go wrong between two JSON-RPC peers.
 *
 * A request or notification that we send is rejected with:
 * - `remote-error`: the peer answered with an error; see `remoteCode`, `remoteMessage` and `data`.
 * - `deadline-exceeded`: no answer came in time. A late one is dropped.
 * - `aborted`: the caller's signal fired; `cause` is its reason.
 * - `closed`: the connection ended before the answer came; `cause` is the failure that ended it, if it was one.
 * - `write-failed`: the peer's input cannot be written to any more.
 * - `queue-full`: the peer does not read fast enough, or the message is larger than the whole queue.
 * - `not-serializable`: the parameters have no JSON form (a cycle, a BigInt).
 * - `invalid-message`: what the peer answered is not an answer.
 *
 * The connection ends with: `line-too-long`, `read-failed`, `write-failed`, or `queue-full` when an answer of ours found no place.
 *
 * Reported while the connection goes on: `garbage` (a line that is not JSON), `truncated` (the peer ended within a line), `invalid-message`,
 * `unknown-answer`, `duplicate-request`, `overloaded` (a request of the peer's refused because too many were open), `handler-failed`.
 *
 * Thrown at once: `invalid-option`.
 */
export type JsonRpcErrorCode =
  | 'remote-error'
  | 'deadline-exceeded'
  | 'aborted'
  | 'closed'
  | 'write-failed'
  | 'queue-full'
  | 'not-serializable'
  | 'invalid-message'
  | 'line-too-long'
  | 'read-failed'
  | 'garbage'
  | 'truncated'
  | 'unknown-answer'
  | 'duplicate-request'
  | 'overloaded'
  | 'handler-failed'
  | 'invalid-option';

export interface JsonRpcErrorOptions extends ErrorOptions {
  readonly remoteCode?: number | undefined;
  readonly remoteMessage?: string | undefined;
  readonly data?: unknown;
}

/**
 * The error class of `@seedbed/conversation-protocol/json-rpc`.
 *
 * A handler of incoming requests throws one with the code `remote-error` to answer with exactly that error:
 * `throw new JsonRpcError('remote-error', 'No such thread.', { remoteCode: -32602 })`.
 */
export class JsonRpcError extends Error {
  override readonly name = 'JsonRpcError';
  readonly code: JsonRpcErrorCode;
  /** The `code` of an error answer: `-32601` and the like. Only with `remote-error`, and missing when the peer gave none. */
  readonly remoteCode: number | undefined;
  /** The `message` of an error answer, as the peer wrote it. */
  readonly remoteMessage: string | undefined;
  /** The `data` of an error answer; with `garbage` and `truncated` the {@link BadLine}. */
  readonly data: unknown;

  constructor(code: JsonRpcErrorCode, message: string, options: JsonRpcErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.remoteCode = options.remoteCode;
    this.remoteMessage = options.remoteMessage;
    this.data = options.data;
  }
}
