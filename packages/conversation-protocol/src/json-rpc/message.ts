import { JsonRpcError } from './json-rpc-error.ts';

/** An id that a peer gives its request. Ours are whole numbers. */
export type JsonRpcId = number | string;

/** How the messages of one kind of peer look. */
export interface JsonRpcDialect {
  /** Whether our messages carry `"jsonrpc":"2.0"`, as the specification wants and Codex's app-server does not. The peer's may do as they like. */
  readonly jsonrpcMember: boolean;
}

/** Codes of error answers: https://www.jsonrpc.org/specification#error_object; `overloaded` as Codex's app-server uses it. */
export const ERROR_ANSWER_CODES = {
  invalidRequest: -32600,
  methodNotFound: -32601,
  internalError: -32603,
  overloaded: -32001,
} as const;

export interface ErrorAnswer {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/** What a peer sent, by what has to be done about it. */
export type IncomingMessage =
  | { readonly kind: 'request'; readonly id: JsonRpcId; readonly method: string; readonly params: unknown }
  | { readonly kind: 'notification'; readonly method: string; readonly params: unknown }
  | { readonly kind: 'result'; readonly id: unknown; readonly result: unknown }
  | { readonly kind: 'error'; readonly id: unknown; readonly error: unknown }
  /** `answerTo` is there when the sender may be waiting: null when it gave no usable id. */
  | { readonly kind: 'invalid'; readonly problem: string; readonly answerTo?: JsonRpcId | null };

/** Sorts any JSON value; never throws. */
export function readMessage(value: unknown): IncomingMessage {
  if (!isRecord(value)) return { kind: 'invalid', problem: 'it is not an object' };
  const { id, method, params } = value;
  if (method !== undefined) {
    if (typeof method !== 'string') {
      const problem = 'its method is not a string';
      return id === undefined
        ? { kind: 'invalid', problem }
        : { kind: 'invalid', problem, answerTo: isId(id) ? id : null };
    }
    if (id === undefined) return { kind: 'notification', method, params };
    if (isId(id)) return { kind: 'request', id, method, params };
    return { kind: 'invalid', problem: 'its id is neither a string nor a whole number', answerTo: null };
  }
  if (value['error'] !== undefined && value['error'] !== null)
    return { kind: 'error', id, error: value['error'] };
  if (value['result'] !== undefined) return { kind: 'result', id, result: value['result'] };
  if (id === undefined) return { kind: 'invalid', problem: 'it has neither a method nor an id' };
  return { kind: 'error', id, error: undefined };
}

/** The error of a request that was answered with `error`, which may have any shape. */
export function remoteError(method: string, error: unknown): JsonRpcError {
  if (error === undefined) {
    return new JsonRpcError(
      'invalid-message',
      `The peer answered ${method} with neither a result nor an error.`,
    );
  }
  const { code, message, data } = isRecord(error)
    ? error
    : { code: undefined, message: undefined, data: error };
  const remoteCode = typeof code === 'number' ? code : undefined;
  const remoteMessage = typeof message === 'string' ? message : undefined;
  const said = `${remoteCode ?? 'without a code'}: ${remoteMessage?.slice(0, 1_000) ?? 'it gave no message'}`;
  return new JsonRpcError('remote-error', `The peer answered ${method} with error ${said}`, {
    remoteCode,
    remoteMessage,
    data,
  });
}

export interface MessageWriter {
  /** @throws {JsonRpcError} `not-serializable`, as do the others. */
  request(id: JsonRpcId, method: string, params: unknown): string;
  notification(method: string, params: unknown): string;
  /** A result without a JSON form of its own, such as undefined, is written as null: an answer has to hold a result. */
  result(id: JsonRpcId, result: unknown): string;
  error(id: JsonRpcId | null, error: ErrorAnswer): string;
}

/** Writes our messages as JSON texts of one line. */
export function createMessageWriter({ jsonrpcMember }: JsonRpcDialect): MessageWriter {
  const head = jsonrpcMember ? '{"jsonrpc":"2.0",' : '{';
  const call = (method: string, params: unknown): string => {
    const text = toJson(params, `the parameters of ${method}`);
    return `"method":${JSON.stringify(method)}${text === undefined ? '' : `,"params":${text}`}}`;
  };
  return {
    request: (id, method, params) => `${head}"id":${JSON.stringify(id)},${call(method, params)}`,
    notification: (method, params) => `${head}${call(method, params)}`,
    result: (id, result) =>
      `${head}"id":${JSON.stringify(id)},"result":${toJson(result, 'a result') ?? 'null'}}`,
    error: (id, error) =>
      `${head}"id":${JSON.stringify(id)},"error":${toJson(error, 'an error answer') ?? 'null'}}`,
  };
}

function toJson(value: unknown, what: string): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    throw new JsonRpcError('not-serializable', `Could not write ${what} as JSON.`, { cause });
  }
}

function isId(id: unknown): id is JsonRpcId {
  return typeof id === 'string' || Number.isSafeInteger(id);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
