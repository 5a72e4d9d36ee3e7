import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createHoldGates, type HoldGates } from './hold-gates.ts';
import type { ModelExchange } from './model-exchange.ts';
import { type ModelRequest, parseModelRequest } from './model-request.ts';
import {
  type ProviderConfig,
  type ProviderConfigOptions,
  providerConfig,
  scriptedModelKeyVariable,
} from './provider-config.ts';
import { playReply, type ReplyOutcome } from './reply-player.ts';
import { readBody } from './request-body.ts';
import { createRequestWaiters, type RequestWaiters } from './request-waiters.ts';
import { createResponseStream } from './response-stream.ts';
import { ScriptedModelError } from './scripted-model-error.ts';
import { parseStory, type Story } from './story.ts';
import { createStoryline } from './storyline.ts';
import { renderTranscript, type TranscriptOptions } from './transcript.ts';

export interface ScriptedModelOptions {
  readonly story: Story;
  /** Default 0: any free one. */
  readonly port?: number;
  /** Requests without this bearer token are answered with 401. Default: everybody on this machine may ask. */
  readonly requireKey?: string;
}

/** Anything else that was asked of the server, and refused. */
export interface RefusedRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

/** A model that says what its story says. It listens on loopback only, until it is disposed. */
export interface ScriptedModel extends AsyncDisposable {
  /** The `base_url` for Codex, without a slash at the end. */
  readonly url: string;
  /** All requests to the model so far, in the order of arrival. They hold whatever Codex sent, secrets in messages included. */
  readonly requests: readonly ModelRequest[];
  readonly exchanges: readonly ModelExchange[];
  readonly refused: readonly RefusedRequest[];
  /** What Codex needs in its environment to be let in; empty without `requireKey`. */
  readonly env: Readonly<Record<string, string>>;
  /** The part of `config.toml` that makes Codex use this model and call nobody else. */
  providerConfig(options?: ProviderConfigOptions): ProviderConfig;
  /** What was asked and answered, for people and snapshots: without ids, times, keys (of six characters or more) and control characters; long texts cut. */
  transcript(options?: TranscriptOptions): string;
  /**
   * The request with this number (from 0), or the first that the predicate holds for, past ones included.
   * @throws {ScriptedModelError} `aborted` when the signal fires first, `closed` when the model is disposed first.
   */
  waitForRequest(
    which: number | ((request: ModelRequest) => boolean),
    options?: { readonly signal?: AbortSignal },
  ): Promise<ModelRequest>;
  /**
   * Opens the hold of this name, for good and in all conversations.
   * @throws {ScriptedModelError} `no-such-hold`.
   */
  release(name: string): void;
}

interface Desk {
  readonly requireKey: string | undefined;
  /** Every bearer token that came, so that no transcript shows one. */
  readonly tokens: Set<string>;
  readonly storyline: ReturnType<typeof createStoryline>;
  readonly gates: HoldGates;
  readonly waiters: RequestWaiters;
  readonly exchanges: (ModelExchange & { outcome: ReplyOutcome | 'under-way' })[];
  readonly refused: RefusedRequest[];
}

/**
 * Starts a Responses API on loopback that answers from a story.
 * @throws {ScriptedModelError} `invalid-story`, `cannot-listen`.
 */
export async function openScriptedModel(options: ScriptedModelOptions): Promise<ScriptedModel> {
  const story = parseStory(options.story);
  const desk: Desk = {
    requireKey: options.requireKey,
    tokens: new Set(options.requireKey === undefined ? [] : [options.requireKey]),
    storyline: createStoryline(story),
    gates: createHoldGates(story),
    waiters: createRequestWaiters(),
    exchanges: [],
    refused: [],
  };
  const { requireKey } = options;
  // A connection that the server closes at leisure can meet the next request half-way: it stays open until Codex or the test ends it.
  const server = createServer(
    { keepAliveTimeout: 0 },
    (request, response) => void serve(request, response, desk),
  );
  server.on('upgrade', (request, socket) => {
    desk.refused.push({ method: 'UPGRADE', path: pathOf(request), status: 404 });
    socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
  });
  const url = `http://127.0.0.1:${await listen(server, options.port ?? 0)}/v1`;
  return {
    url,
    exchanges: desk.exchanges,
    refused: desk.refused,
    env: requireKey === undefined ? {} : { [scriptedModelKeyVariable]: requireKey },
    get requests(): readonly ModelRequest[] {
      return desk.exchanges.map((exchange) => exchange.request);
    },
    providerConfig: (config = {}) => providerConfig(url, { ...config, withKey: requireKey !== undefined }),
    transcript: (rendering = {}) =>
      renderTranscript(desk.exchanges, { ...rendering, secrets: [...desk.tokens] }),
    waitForRequest: async (which, { signal } = {}) => {
      const matches = typeof which === 'number' ? (request: ModelRequest) => request.index === which : which;
      const past = desk.exchanges.find((exchange) => matches(exchange.request));
      return past?.request ?? desk.waiters.next(matches, signal);
    },
    release: (name) => desk.gates.open(name),
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      desk.waiters.close();
      await closed;
    },
  };
}

async function listen(server: Server, port: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', (cause) => {
    const message = `The scripted model cannot listen on 127.0.0.1:${port} (${cause.message}). Leave out the port to get a free one.`;
    reject(new ScriptedModelError('cannot-listen', message, { cause }));
  });
  server.listen(port, '127.0.0.1', resolve);
  await promise;
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}

async function serve(incoming: IncomingMessage, response: ServerResponse, desk: Desk): Promise<void> {
  const refuse = (status: number, code: string, message: string): void => {
    desk.refused.push({ method: incoming.method ?? '', path: pathOf(incoming), status });
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error: { type: code, code, message } }));
  };
  const { authorization } = incoming.headers;
  if (authorization?.startsWith('Bearer ')) desk.tokens.add(authorization.slice('Bearer '.length));
  try {
    if (incoming.method !== 'POST' || pathOf(incoming) !== '/v1/responses') {
      refuse(404, 'not_found', 'A scripted model answers POST /v1/responses only.');
    } else if (desk.requireKey !== undefined && authorization !== `Bearer ${desk.requireKey}`) {
      refuse(401, 'invalid_api_key', 'The key is not the one that this scripted model requires.');
    } else {
      await answer(incoming, response, desk);
    }
  } catch (error) {
    if (response.headersSent || response.destroyed) response.destroy();
    else if (!(error instanceof ScriptedModelError)) refuse(500, 'scripted_model_failed', String(error));
    else refuse(error.code === 'request-too-large' ? 413 : 400, error.code, error.message);
  }
}

async function answer(incoming: IncomingMessage, response: ServerResponse, desk: Desk): Promise<void> {
  const stream = createResponseStream(response);
  const body = await readBody(incoming);
  const request = parseModelRequest(desk.exchanges.length, incoming.headers, body);
  const chosen = desk.storyline.next(request);
  const exchange: Desk['exchanges'][number] = { request, ...chosen, outcome: 'under-way' };
  desk.exchanges.push(exchange);
  desk.waiters.arrived(request);
  exchange.outcome = await playReply(chosen.steps, request, { stream, gates: desk.gates });
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1)[0] ?? '';
}
