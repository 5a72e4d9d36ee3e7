import { createJsonRpcPeer, JsonRpcError, type JsonRpcPeer } from '@seedbed/conversation-protocol/json-rpc';
import type {
  Command,
  EndOptions,
  Host,
  HostPath,
  HostProcess,
  ProcessExit,
  SpawnOptions,
} from '@seedbed/host';
import { z } from 'zod';
import { AgentCodexError } from '../agent-codex-error.ts';
import { goneReason } from './gone-reason.ts';
import { createOutputTail } from './output-tail.ts';
import { RefusedServerRequest } from './server-requests/server-request.ts';

export interface AppServerClient {
  onNotification(method: string, params: unknown): void;
  /** The result of a request that Codex sends. Throws {@link RefusedServerRequest} for an error answer. */
  onServerRequest(request: {
    readonly id: number | string;
    readonly method: string;
    readonly params: unknown;
  }): Promise<unknown>;
  /** Something on the wire that is not of the protocol; Codex goes on. */
  onOddity(message: string): void;
}

export interface AppServerOptions {
  readonly client: AppServerClient;
  /** For each request, in milliseconds. */
  readonly requestDeadlineMs: number;
  /** From the start of the process to the answer to `initialize`, in milliseconds. */
  readonly startDeadlineMs: number;
  /** Where the host may keep what Codex reads and prints, so that a broken link to it costs nothing. See `SpawnOptions.durable`. */
  readonly durable?: { readonly folder: HostPath };
  readonly signal?: AbortSignal;
}

/** A running `codex app-server` that has answered `initialize`. */
export interface AppServer extends AsyncDisposable {
  /** As it reports itself: `0.169.0`. */
  readonly version: string;
  /**
   * @throws {AgentCodexError} `agent-error` when Codex answers with an error, `deadline-exceeded`, `agent-lost`, `aborted`.
   */
  request(
    method: string,
    params: unknown,
    options?: { readonly deadlineMs?: number; readonly signal?: AbortSignal },
  ): Promise<unknown>;
  /** Somebody has asked for the end. */
  readonly ending: boolean;
  /** Settles when the process has ended or its output can't be read any more, with what is known of why. Never rejects. */
  readonly gone: Promise<AgentCodexError>;
  /** End of input, then TERM, then KILL; resolves when no process of its group is left. */
  end(options?: EndOptions): Promise<ProcessExit>;
}

const clientInfo = { name: 'seedbed', title: 'Seedbed', version: '0.0.0' };

/** @throws {AgentCodexError} `launch-failed`, `not-ready`, `aborted`. */
export async function openAppServer(
  host: Host,
  command: Command,
  options: AppServerOptions,
): Promise<AppServer> {
  const { client, durable, signal } = options;
  await using stack = new AsyncDisposableStack();
  const process = stack.use(await startProcess(host, command, durable && { durable }));
  const stderr = stack.use(createOutputTail(process.stderr, { bytes: 16 * 1024 }));
  const peer = stack.use(
    createJsonRpcPeer({
      readable: process.stdout,
      writable: process.stdin,
      dialect: { jsonrpcMember: false },
      onNotification: ({ method, params }) => client.onNotification(method, params),
      onRequest: (request) => answer(client, request),
      onProtocolError: (error) => client.onOddity(error.message),
    }),
  );
  endWithProcess(process, peer);
  let ending: Promise<ProcessExit> | undefined;
  const gone = goneReason(process, peer, { stderr, asked: () => ending });
  const version = await initialize(peer, gone, options.startDeadlineMs, signal);
  stack.move();
  let isGreeted = false;
  /** Goes out with the first request, so that nobody far away is told of it alone. */
  const greet = async (): Promise<void> => {
    if (isGreeted) return;
    isGreeted = true;
    await peer.notify('initialized');
  };
  const end = async (endOptions?: EndOptions): Promise<ProcessExit> => {
    const closed = peer.close();
    // What was sent is to be written before its input ends; whoever begins with a signal waits for nothing.
    const ended =
      endOptions?.from === undefined ? closed.then(() => process.end(endOptions)) : process.end(endOptions);
    ending ??= ended;
    const exit = await ended;
    await closed;
    await stderr[Symbol.asyncDispose]();
    return exit;
  };
  return {
    version,
    gone,
    get ending() {
      return ending !== undefined;
    },
    end,
    async request(method, params, { deadlineMs = options.requestDeadlineMs, signal: requestSignal } = {}) {
      try {
        const greeted = greet();
        const answered = peer.request(method, params, {
          deadlineMs,
          ...(requestSignal ? { signal: requestSignal } : {}),
        });
        return (await Promise.all([answered, greeted]))[0];
      } catch (error) {
        throw await translate(error, method, gone);
      }
    },
    [Symbol.asyncDispose]: async () => void (await end()),
  };
}

async function startProcess(
  host: Host,
  command: Command,
  options: SpawnOptions | undefined,
): Promise<HostProcess> {
  try {
    return await host.spawn(command, options);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AgentCodexError('launch-failed', `Codex could not be started on ${host.label}: ${why}`, {
      cause,
    });
  }
}

/** How long output may still come after the process has ended, in milliseconds. */
const lateOutputMs = 1_000;

/** A child of Codex can hold the pipe open after Codex itself has ended: then the rest of the group is ended, and with it the pipe. */
function endWithProcess(process: HostProcess, peer: JsonRpcPeer): void {
  void process.exit.then(async () => {
    // Whoever ends the server hears of a failure there.
    const late = setTimeout(() => void process.end({ from: 'term' }).catch(() => undefined), lateOutputMs);
    await peer.closed;
    clearTimeout(late);
  });
}

async function initialize(
  peer: JsonRpcPeer,
  gone: Promise<AgentCodexError>,
  deadlineMs: number,
  signal: AbortSignal | undefined,
): Promise<string> {
  let answer: unknown;
  try {
    answer = await peer.request(
      'initialize',
      { clientInfo, capabilities: { experimentalApi: true } },
      { deadlineMs, ...(signal ? { signal } : {}) },
    );
  } catch (error) {
    const translated = await translate(error, 'initialize', gone);
    switch (translated.code) {
      case 'deadline-exceeded':
        throw new AgentCodexError('not-ready', `Codex started and did not answer within ${deadlineMs} ms.`, {
          cause: error,
        });
      case 'agent-lost':
        throw new AgentCodexError('launch-failed', `Codex ended before it was ready. ${translated.message}`, {
          cause: error,
        });
      default:
        throw translated;
    }
  }
  const parsed = z.looseObject({ userAgent: z.string() }).safeParse(answer);
  const version = parsed.success ? /\/(\d+\.\d+\.\d+)/.exec(parsed.data.userAgent)?.[1] : undefined;
  if (version === undefined) {
    throw new AgentCodexError(
      'launch-failed',
      'What was started answers like a JSON-RPC server, but not like Codex: it does not name its version.',
    );
  }
  return version;
}

async function answer(
  client: AppServerClient,
  request: { readonly id: number | string; readonly method: string; readonly params: unknown },
): Promise<unknown> {
  try {
    return await client.onServerRequest(request);
  } catch (error) {
    if (error instanceof RefusedServerRequest)
      throw new JsonRpcError('remote-error', error.message, { remoteCode: error.rpcCode });
    throw error;
  }
}

async function translate(
  error: unknown,
  method: string,
  gone: Promise<AgentCodexError>,
): Promise<AgentCodexError> {
  if (!(error instanceof JsonRpcError)) {
    return new AgentCodexError('agent-lost', `${method} could not be sent to Codex.`, { cause: error });
  }
  switch (error.code) {
    case 'remote-error':
      return new AgentCodexError(
        'agent-error',
        `Codex refused ${method}: ${error.remoteMessage ?? error.message}`,
        {
          cause: error,
        },
      );
    case 'deadline-exceeded':
      return new AgentCodexError('deadline-exceeded', `Codex did not answer ${method} in time.`, {
        cause: error,
      });
    case 'aborted':
      return new AgentCodexError('aborted', `${method} was given up by the caller.`, { cause: error });
    default:
      return await gone;
  }
}
