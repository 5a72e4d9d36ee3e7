import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { stringify } from 'smol-toml';
import {
  openScriptedModel,
  type ProviderConfigOptions,
  type ScriptedModel,
  type Story,
} from '../src/testing/index.ts';
import { codexBinary, type SupportedVersion } from './codex-binaries.ts';

/** What app-server says, loosely typed: these tests look at what the real Codex does, not at our reading of it. */
export interface CodexMessage {
  readonly method: string;
  readonly id?: number | string;
  readonly params: {
    readonly turn?: { readonly id: string; readonly status: string; readonly error: unknown };
    readonly item?: { readonly type: string; readonly status?: string } & Readonly<Record<string, unknown>>;
    readonly delta?: string;
  } & Readonly<Record<string, unknown>>;
}

/** A folder tree for one Codex: never under /tmp, where Codex refuses to keep its helpers. */
export interface CodexHome extends AsyncDisposable {
  readonly workspace: string;
  readonly env: Readonly<Record<string, string>>;
}

export async function openCodexHome(
  config: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string>> = {},
): Promise<CodexHome> {
  const root = await mkdtemp('/var/tmp/seedbed-codex-');
  const workspace = join(root, 'workspace');
  const codexHome = join(root, 'home', '.codex');
  for (const folder of [workspace, codexHome, join(root, 'tmp')]) await mkdir(folder, { recursive: true });
  const projects = { [workspace]: { trust_level: 'trusted' } };
  await writeFile(join(codexHome, 'config.toml'), stringify({ ...config, projects }));
  return {
    workspace,
    env: {
      PATH: process.env['PATH'] ?? '/usr/bin:/bin',
      HOME: join(root, 'home'),
      CODEX_HOME: codexHome,
      TMPDIR: join(root, 'tmp'),
      ...env,
    },
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }),
  };
}

type Answer = (request: CodexMessage) => unknown;

/** The real app-server with the least client that can drive it. */
export interface CodexProcess extends AsyncDisposable {
  readonly messages: readonly CodexMessage[];
  request(method: string, params: unknown): Promise<Record<string, unknown>>;
  next(matches: (message: CodexMessage) => boolean): Promise<CodexMessage>;
  startThread(params?: Readonly<Record<string, unknown>>): Promise<string>;
  /** Runs one turn to its end and gives the `turn/completed`. */
  turn(threadId: string, text: string, params?: Readonly<Record<string, unknown>>): Promise<CodexMessage>;
}

export interface CodexProcessOptions {
  readonly version: SupportedVersion;
  readonly home: CodexHome;
  /** Started instead of the real Codex. */
  readonly argv?: readonly [string, ...string[]];
  /** Answers what Codex asks of its client. Default: everything is accepted. */
  readonly answer?: Answer;
}

export async function openCodexProcess(options: CodexProcessOptions): Promise<CodexProcess> {
  const { home, version } = options;
  const [program, ...args] = options.argv ?? [await codexBinary(version), 'app-server'];
  const child = spawn(program, args, { cwd: home.workspace, env: home.env });
  const client = connect(child, options.answer ?? (() => ({ decision: 'accept' })));
  await client.request('initialize', {
    clientInfo: { name: 'seedbed-test', title: 'Seedbed test', version: '0.0.0' },
    capabilities: { experimentalApi: true },
  });
  client.notify('initialized');
  return {
    messages: client.messages,
    request: client.request,
    next: client.next,
    async startThread(params = {}) {
      const policy = { approvalPolicy: 'on-request', sandbox: 'workspace-write' };
      const result = await client.request('thread/start', { cwd: home.workspace, ...policy, ...params });
      return (result['thread'] as { id: string }).id;
    },
    async turn(threadId, text, params = {}) {
      const input = text === '' ? [] : [{ type: 'text', text }];
      const completed = client.next((message) => message.method === 'turn/completed');
      await client.request('turn/start', { threadId, input, ...params });
      return completed;
    },
    async [Symbol.asyncDispose]() {
      const exited = child.exitCode !== null || child.signalCode !== null ? undefined : once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}

interface Client {
  readonly messages: CodexMessage[];
  request(method: string, params: unknown): Promise<Record<string, unknown>>;
  notify(method: string): void;
  next(matches: (message: CodexMessage) => boolean): Promise<CodexMessage>;
}

function connect(child: ChildProcessWithoutNullStreams, answer: Answer): Client {
  const messages: CodexMessage[] = [];
  const pending = new Map<unknown, PromiseWithResolvers<Record<string, unknown>>>();
  const waiting = new Set<
    { matches: (message: CodexMessage) => boolean } & PromiseWithResolvers<CodexMessage>
  >();
  let errors = '';
  let nextId = 0;
  const send = (message: unknown): void => void child.stdin.write(`${JSON.stringify(message)}\n`);
  child.stdin.on('error', () => {});
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-4000);
  });
  child.on('close', () => {
    const lost = new Error(`app-server ended; stderr: ${errors}`);
    for (const call of [...pending.values(), ...waiting]) call.reject(lost);
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const message = JSON.parse(line);
    if (message.method === undefined) {
      const call = pending.get(message.id);
      pending.delete(message.id);
      if (message.error === undefined) call?.resolve(message.result);
      else call?.reject(new Error(message.error.message));
      return;
    }
    messages.push(message);
    if (message.id !== undefined) send({ id: message.id, result: answer(message) });
    for (const waiter of waiting) {
      if (!waiter.matches(message)) continue;
      waiting.delete(waiter);
      waiter.resolve(message);
    }
  });
  return {
    messages,
    notify: (method) => send({ method }),
    request(method, params) {
      const call = Promise.withResolvers<Record<string, unknown>>();
      nextId += 1;
      pending.set(nextId, call);
      send({ id: nextId, method, params });
      return call.promise;
    },
    next(matches) {
      const waiter = { matches, ...Promise.withResolvers<CodexMessage>() };
      waiting.add(waiter);
      return waiter.promise;
    },
  };
}

/** A story played by the real Codex, with one thread begun. */
export interface PlayedStory extends AsyncDisposable {
  readonly model: ScriptedModel;
  readonly home: CodexHome;
  readonly codex: CodexProcess;
  readonly threadId: string;
  /** What Codex asked of its client, in order. */
  readonly asked: readonly CodexMessage[];
}

export interface PlayOptions {
  readonly provider?: ProviderConfigOptions;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly thread?: Readonly<Record<string, unknown>>;
  readonly requireKey?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly answer?: Answer;
}

export async function playStory(
  version: SupportedVersion,
  story: Story,
  options: PlayOptions = {},
): Promise<PlayedStory> {
  await using stack = new AsyncDisposableStack();
  const { requireKey } = options;
  const model = stack.use(
    await openScriptedModel({ story, ...(requireKey === undefined ? {} : { requireKey }) }),
  );
  const config = { ...model.providerConfig(options.provider), ...options.config };
  const home = stack.use(await openCodexHome(config, { ...model.env, ...options.env }));
  const asked: CodexMessage[] = [];
  const answer: Answer = (request) => {
    asked.push(request);
    return options.answer === undefined ? { decision: 'accept' } : options.answer(request);
  };
  const codex = stack.use(await openCodexProcess({ version, home, answer }));
  const threadId = await codex.startThread(options.thread);
  const owned = stack.move();
  return { model, home, codex, threadId, asked, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** The items of one type that ended, in order. */
export function completedItems(
  codex: CodexProcess,
  type: string,
): NonNullable<CodexMessage['params']['item']>[] {
  return codex.messages.flatMap(({ method, params }) =>
    method === 'item/completed' && params.item?.type === type ? [params.item] : [],
  );
}

/** Why a turn failed, in Codex's words. */
export function failureOf(completed: CodexMessage): unknown {
  const error = completed.params.turn?.error;
  return typeof error === 'object' && error !== null && 'codexErrorInfo' in error
    ? error.codexErrorInfo
    : undefined;
}
