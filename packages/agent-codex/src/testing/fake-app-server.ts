/** The program behind `fakeAppServerCommand`: it talks like `codex app-server`, as little as a client needs, and fails as it is told to. */
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { type FakeAppServerOptions, fakeAppServerOptionsSchema } from './fake-app-server-command.ts';
import type { AppServerFault, FaultMoment } from './fake-app-server-fault.ts';
import { createFakeOutput, type FakeOutput } from './fake-app-server-output.ts';

const messageSchema = z.looseObject({
  id: z.union([z.number(), z.string()]).optional(),
  method: z.string().optional(),
  params: z.record(z.string(), z.unknown()).optional(),
});

type Message = z.infer<typeof messageSchema>;

interface Server {
  readonly options: FakeAppServerOptions;
  readonly faults: readonly AppServerFault[];
  readonly output: FakeOutput;
  /** Client answers that a turn waits for, by request id. */
  readonly awaited: Map<number | string, (answer: Message) => void>;
  turns: number;
  runningTurn: AbortController | undefined;
}

const threadId = '00000000-0000-7000-8000-000000000001';

async function main(argument: string): Promise<void> {
  const options = fakeAppServerOptionsSchema.parse(JSON.parse(argument));
  const version = options.version ?? '0.169.0';
  if (process.argv.includes('--version')) {
    process.stdout.write(`codex-cli ${version}\n`);
    return;
  }
  const faults = options.faults ?? [];
  const has = (type: AppServerFault['type']): boolean => faults.some((fault) => fault.type === type);
  const output = createFakeOutput({ splitBytes: has('split-bytes') });
  const server: Server = { options, faults, output, awaited: new Map(), turns: 0, runningTurn: undefined };
  process.stdout.on('error', () => {});
  process.on('SIGTERM', () => {
    if (!has('ignore-sigterm')) process.exit(0);
  });
  // So that a test that died leaves nothing behind for long.
  if (has('ignore-end-of-input')) setTimeout(() => process.exit(0), 600_000);
  await strike('start', server);
  const lines = createInterface({ input: process.stdin });
  // Requests are answered in their order; a turn runs beside them, and answers of the client reach it at once.
  let answering: Promise<void> = Promise.resolve();
  lines.on('line', (line) => {
    const parsed = messageSchema.safeParse(jsonOf(line));
    if (!parsed.success) return;
    const message = parsed.data;
    if (message.method === undefined) server.awaited.get(message.id ?? '')?.(message);
    else answering = answering.then(() => receive(message, server));
  });
  lines.on('close', () => {
    if (!has('ignore-end-of-input')) void answering.then(() => process.exit(0));
  });
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

async function strike(moment: FaultMoment, { faults, output }: Server): Promise<void> {
  for (const fault of faults) {
    if ('at' in fault && fault.at === moment) await output.strike(fault);
  }
}

async function receive(message: Message, server: Server): Promise<void> {
  const { id, method } = message;
  if (id === undefined || method === undefined) return;
  if (method === 'initialize') await strike('initialize', server);
  if (method === 'thread/start' || method === 'thread/resume') await strike('thread', server);
  for (const fault of server.faults) {
    if (fault.type === 'ignore-request' && fault.method === method) return;
    if (fault.type === 'refuse' && fault.method === method) {
      await reply(server, { id, error: { code: fault.code, message: fault.message } });
      return;
    }
  }
  const result = { ...resultOf(method, message.params ?? {}, server), ...server.options.answers?.[method] };
  await reply(server, { id, result });
  if (method === 'thread/start') await notify(server, 'thread/started', { thread: threadOf(server) });
  if (method === 'turn/start') void runTurn(server);
}

async function reply({ output, faults }: Server, answer: unknown): Promise<void> {
  await output.send(answer);
  if (faults.some((fault) => fault.type === 'duplicate-answers')) await output.send(answer);
}

function notify({ output }: Server, method: string, params: unknown): Promise<void> {
  return output.send({ method, params });
}

function resultOf(method: string, params: Record<string, unknown>, server: Server): Record<string, unknown> {
  const version = server.options.version ?? '0.169.0';
  switch (method) {
    case 'initialize':
      return {
        userAgent: `fake/${version} (fake)`,
        codexHome: '/nonexistent',
        platformFamily: 'unix',
        platformOs: 'linux',
      };
    case 'thread/start':
    case 'thread/resume':
      return {
        thread: threadOf(server),
        model: params['model'] ?? 'fake-model',
        modelProvider: 'fake',
        cwd: params['cwd'] ?? '/',
        approvalPolicy: params['approvalPolicy'] ?? 'on-request',
        approvalsReviewer: 'user',
        sandbox: sandboxOf(params['sandbox']),
        reasoningEffort: null,
      };
    case 'turn/start':
      server.turns += 1;
      return { turn: turnOf(server, 'inProgress') };
    case 'turn/steer':
      return { turnId: turnOf(server, 'inProgress')['id'] };
    case 'turn/interrupt':
      if (!server.faults.some((fault) => fault.type === 'endless-turn')) server.runningTurn?.abort();
      return {};
    case 'model/list':
      return { data: [], nextCursor: null };
    default:
      return {};
  }
}

function threadOf({ options }: Server): Record<string, unknown> {
  return {
    id: threadId,
    preview: '',
    ephemeral: true,
    modelProvider: 'fake',
    createdAt: 0,
    updatedAt: 0,
    status: { type: 'idle' },
    path: null,
    cwd: '/',
    cliVersion: options.version ?? '0.169.0',
    source: 'vscode',
    gitInfo: null,
    name: null,
    turns: [],
  };
}

function sandboxOf(mode: unknown): Record<string, unknown> {
  switch (mode) {
    case 'danger-full-access':
      return { type: 'dangerFullAccess' };
    case 'workspace-write':
      return {
        type: 'workspaceWrite',
        writableRoots: [],
        networkAccess: false,
        excludeTmpdirEnvVar: false,
        excludeSlashTmp: false,
      };
    default:
      return { type: 'readOnly', networkAccess: false };
  }
}

function turnOf({ turns }: Server, status: string): Record<string, unknown> {
  return { id: `turn-${turns}`, items: [], status, error: null };
}

async function runTurn(server: Server): Promise<void> {
  const turn = { threadId, turnId: `turn-${server.turns}` };
  const itemId = `message-${server.turns}`;
  server.runningTurn = new AbortController();
  const { signal } = server.runningTurn;
  const item = { type: 'agentMessage', id: itemId, phase: null };
  await notify(server, 'turn/started', { threadId, turn: turnOf(server, 'inProgress') });
  await notify(server, 'item/started', { ...turn, item: { ...item, text: '' } });
  const says = server.options.says ?? 'Grüße 🌱';
  await notify(server, 'item/agentMessage/delta', { ...turn, itemId, delta: says });
  await strike('turn', server);
  const answers = await askClient(server, signal);
  if (answers !== '') await notify(server, 'item/agentMessage/delta', { ...turn, itemId, delta: answers });
  if (server.faults.some((fault) => fault.type === 'endless-turn')) return;
  const status = signal.aborted ? 'interrupted' : 'completed';
  await notify(server, 'item/completed', { ...turn, item: { ...item, text: says + answers } });
  await notify(server, 'turn/completed', { threadId, turn: turnOf(server, status) });
  await strike('after-turn', server);
}

/** Sends the requests that the faults want, and gives the client's answers as text. */
async function askClient(server: Server, signal: AbortSignal): Promise<string> {
  const answers: unknown[] = [];
  for (const fault of server.faults) {
    if (fault.type === 'unknown-request') {
      const answer = answerTo(0, server, signal);
      await server.output.send({ id: 0, method: 'item/telepathy/request', params: { threadId } });
      answers.push(await answer);
    }
    if (fault.type === 'duplicate-request') {
      const request = { id: 1, method: 'item/telepathy/request', params: { threadId } };
      const answer = answerTo(1, server, signal);
      await server.output.send(request);
      await server.output.send(request);
      answers.push(await answer);
    }
  }
  return answers.map((answer) => JSON.stringify(answer)).join('');
}

/** The client's answer, or nothing when the turn is interrupted before. */
function answerTo(id: number, server: Server, signal: AbortSignal): Promise<Message> {
  return new Promise((resolve) => {
    server.awaited.set(id, resolve);
    signal.addEventListener('abort', () => resolve({}), { once: true });
  });
}

await main(process.argv[2] ?? '{}');
