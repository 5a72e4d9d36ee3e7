import type { IncomingMessage } from 'node:http';
import { fingerprintOf } from './token-ledger.ts';

/** What the server was asked. Tokens are in it by their fingerprints only. */
export interface OAuthRequest {
  readonly atMs: number;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** The `by` of the query, else the user agent. */
  readonly by: string;
  readonly grantType?: string;
  readonly refreshToken?: string;
  readonly accessToken?: string;
  /** What it was answered; missing while it waits, and when the connection was broken instead. */
  readonly status?: number;
  /** The type of the fault that befell it. */
  readonly fault?: string;
}

/** A request as the endpoints see it. */
export interface ReadRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly by: string;
  readonly bearer: string | undefined;
  /** The members of a form or of a JSON object that are text. */
  readonly fields: Readonly<Record<string, string>>;
  readonly body: string;
}

export function readRequest(incoming: IncomingMessage, body: string): ReadRequest {
  const url = new URL(incoming.url ?? '/', 'http://127.0.0.1');
  const { authorization } = incoming.headers;
  return {
    method: incoming.method ?? 'GET',
    path: url.pathname,
    query: url.searchParams,
    by: url.searchParams.get('by') ?? incoming.headers['user-agent'] ?? 'unknown',
    bearer: authorization?.startsWith('Bearer ') ? authorization.slice('Bearer '.length) : undefined,
    fields: fieldsOf(body, incoming.headers['content-type'] ?? ''),
    body,
  };
}

export function logged(request: ReadRequest, atMs: number): OAuthRequest {
  const { method, path, by, bearer, fields } = request;
  const { grant_type: grantType, refresh_token: refreshToken } = fields;
  return {
    atMs,
    method,
    path,
    by,
    ...(grantType === undefined ? {} : { grantType }),
    ...(refreshToken === undefined ? {} : { refreshToken: fingerprintOf(refreshToken) }),
    ...(bearer === undefined ? {} : { accessToken: fingerprintOf(bearer) }),
  };
}

function fieldsOf(body: string, contentType: string): Readonly<Record<string, string>> {
  if (contentType.startsWith('application/x-www-form-urlencoded'))
    return Object.fromEntries(new URLSearchParams(body));
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed !== 'object' || parsed === null) return {};
    return Object.fromEntries(
      Object.entries(parsed).filter((each): each is [string, string] => typeof each[1] === 'string'),
    );
  } catch {
    return {};
  }
}
