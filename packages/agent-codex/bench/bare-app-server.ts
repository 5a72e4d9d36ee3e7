import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';

/** A program and where it runs, ready to be started without Seedbed. */
export interface BareCommand {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface BareMessage {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: unknown;
}

/**
 * What somebody writes who needs no more than one conversation: a pipe, lines, `JSON.parse`, a map of answers.
 * Nothing is checked, kept, bounded or told apart: what Seedbed is measured against does the least that is possible.
 */
export interface BareAppServer extends AsyncDisposable {
  /** Gets every message that is no answer. */
  onMessage: (message: BareMessage) => void;
  request(method: string, params: unknown): Promise<Readonly<Record<string, unknown>>>;
  notify(method: string): void;
}

export function startBareAppServer({ argv, cwd, env }: BareCommand): BareAppServer {
  const [program = '', ...args] = argv;
  const child: ChildProcessWithoutNullStreams = spawn(program, args, { cwd, env, stdio: 'pipe' });
  const answers = new Map<number, (message: BareMessage) => void>();
  const server: BareAppServer = {
    onMessage: () => {},
    async request(method, params) {
      const id = answers.size + 1;
      const answer = new Promise<BareMessage>((resolve) => answers.set(id, resolve));
      child.stdin.write(`${JSON.stringify({ id, method, params })}\n`);
      const { result, error } = await answer;
      if (result === undefined) throw new Error(`${method} was refused: ${JSON.stringify(error)}`);
      return result;
    },
    notify: (method) => void child.stdin.write(`${JSON.stringify({ method })}\n`),
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
  child.stderr.resume();
  child.stdout.setEncoding('utf8');
  let begun = '';
  child.stdout.on('data', (text: string) => {
    const lines = (begun + text).split('\n');
    begun = lines.pop() ?? '';
    for (const line of lines) {
      const message: BareMessage = JSON.parse(line);
      if (message.id !== undefined && message.method === undefined) answers.get(message.id)?.(message);
      else server.onMessage(message);
    }
  });
  return server;
}

/** The answers to what opens a thread, as they came. */
export interface BareThread {
  readonly threadId: string;
  readonly initialized: Readonly<Record<string, unknown>>;
  readonly started: Readonly<Record<string, unknown>>;
}

export async function openBareThread(server: BareAppServer, params: unknown): Promise<BareThread> {
  const initialized = await server.request('initialize', {
    clientInfo: { name: 'bare', title: 'Bare', version: '0.0.0' },
    capabilities: { experimentalApi: true },
  });
  server.notify('initialized');
  const started = await server.request('thread/start', params);
  const { thread } = started;
  if (typeof thread !== 'object' || thread === null || !('id' in thread))
    throw new Error('thread/start names no thread.');
  return { threadId: String(thread.id), initialized, started };
}

/** Runs a turn to its end and gives everything else to `onMessage` meanwhile. Resolves with the answer to `turn/start`. */
export async function runBareTurn(
  server: BareAppServer,
  { threadId, text }: { readonly threadId: string; readonly text: string },
  onMessage: (message: BareMessage) => void,
): Promise<Readonly<Record<string, unknown>>> {
  const completed = Promise.withResolvers<void>();
  server.onMessage = (message) => {
    onMessage(message);
    if (message.method === 'turn/completed') completed.resolve();
  };
  const answer = await server.request('turn/start', { threadId, input: [{ type: 'text', text }] });
  await completed.promise;
  return answer;
}
