import { dirname, relative } from 'node:path';
import {
  type CodexConversationOptions,
  type OpenedCodexConversation,
  openCodexConversation,
  type RunResult,
} from '@seedbed/agent-codex';
import { openScriptedModel } from '@seedbed/agent-codex/testing';
import { type CachedBinary, codexRelease } from '@seedbed/binary-cache';
import { type Host, joinHostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { allowEverything, askAtKeyboard } from './approval-answers.ts';
import { checkSample } from './check-sample.ts';
import type { CommandLine } from './command-line.ts';
import type { DemoEnvironment } from './demo-environment.ts';
import { DemoError } from './demo-error.ts';
import { type DemoFolders, demoBinaryCache, makeDemoFolders } from './demo-folders.ts';
import { createConversationFollower } from './follow-conversation.ts';
import { openKeyboard } from './keyboard.ts';
import { changedFiles, writeSampleRepository } from './sample-repository.ts';
import { describeSandbox, refuseEscapableRoot, sandboxSettings, whatYesOpens } from './sandbox-choice.ts';
import { demoStory, task } from './story.ts';
import { createConversationView } from './terminal/conversation-view.ts';
import { downloadLine } from './terminal/download-line.ts';
import type { Page } from './terminal/page.ts';

export interface DemoOptions {
  readonly commandLine: CommandLine;
  readonly environment: DemoEnvironment;
  readonly page: Page;
  /** Where answers are typed; absent where nobody can be asked. */
  readonly keyboard: NodeJS.ReadableStream | undefined;
  readonly signal: AbortSignal;
}

/** For the scripted model's remarks, where a person reads along. */
const readingPauseMs = 900;

/** How long the end of a command is awaited after its turn has ended; a command may also run on for good. */
const lateCommandsMs = 10_000;

/**
 * Plays the demonstration from its beginning to its end.
 * @returns whether the sample's test passes now.
 * @throws {DemoError} before anything is fetched or started. Else what the packages throw.
 */
export async function runDemo(options: DemoOptions): Promise<boolean> {
  const { commandLine, environment, page, signal } = options;
  await using host = createLocalHost();
  const apiKey = requiredKey(commandLine, environment);
  refuseSilence(options);
  refuseEscapableRoot(host, commandLine);
  const folders = await makeDemoFolders(host, {
    workdir: commandLine.workdir,
    startedIn: environment.startedIn,
  });
  const shown = fromHere(environment.startedIn, folders.workdir);
  announce(page, commandLine, shown);

  const codex = await fetchCodex(host, options);
  await writeSampleRepository(host, folders.workdir);
  try {
    const result = await converse(host, { ...options, codex, folders, apiKey });
    if (signal.aborted) return false;
    const { passed } = await checkSample(host, { codex, folders, sandbox: commandLine.sandbox, signal });
    await summarise(host, { page, folders, shown, result, passed });
    return passed && result.outcome.status === 'completed';
  } finally {
    await tidy(host, folders, commandLine);
  }
}

/** A path as the person would type it. */
function fromHere(here: string, path: string): string {
  const way = relative(here, path);
  return way.startsWith('..') || way.length > path.length ? path : way;
}

/** @throws {DemoError} `no-key`. */
function requiredKey({ model }: CommandLine, { apiKey }: DemoEnvironment): string | undefined {
  if (model === undefined) return undefined;
  if (apiKey !== undefined) return apiKey;
  throw new DemoError(
    'no-key',
    'With --model the demonstration talks to the real service, which wants a key: put one into OPENAI_API_KEY or CODEX_API_KEY. Without --model none is needed.',
  );
}

/** @throws {DemoError} `no-terminal`. */
function refuseSilence({ commandLine, keyboard }: DemoOptions): void {
  if (commandLine.yes || keyboard !== undefined) return;
  throw new DemoError(
    'no-terminal',
    'Codex will ask before it runs something, and there is no terminal to ask at. Start it in one, or allow everything beforehand: npm run demo -- --yes',
  );
}

function announce(page: Page, commandLine: CommandLine, folder: string): void {
  const model =
    commandLine.model === undefined ? 'scripted, on this machine' : `${commandLine.model}, the real service`;
  page.block(`Seedbed: Codex ${commandLine.codex} repairs a small repository.`, { style: 'bold' });
  page.block(model, { mark: '  model    ', markStyle: 'dim' });
  page.block(describeSandbox(commandLine), { mark: '  sandbox  ', markStyle: 'dim' });
  page.block(folder, { mark: '  folder   ', markStyle: 'dim' });
}

async function fetchCodex(
  host: Host,
  { commandLine, environment, page, signal }: DemoOptions,
): Promise<CachedBinary> {
  const cache = demoBinaryCache(environment.cacheDirectory);
  return await cache.ensure(host, codexRelease(commandLine.codex), {
    onProgress: downloadLine(page, `Codex ${commandLine.codex}`),
    signal,
  });
}

interface Play extends DemoOptions {
  readonly codex: CachedBinary;
  readonly folders: DemoFolders;
  readonly apiKey: string | undefined;
}

/** One turn, shown and answered until Codex has ended. */
async function converse(host: Host, play: Play): Promise<RunResult> {
  const { commandLine, folders, keyboard, page, signal } = play;
  await using stack = new AsyncDisposableStack();
  const view = createConversationView(page, {
    workdir: folders.workdir,
    whatYesOpens: whatYesOpens(commandLine),
  });
  const answer =
    commandLine.yes || keyboard === undefined
      ? allowEverything(view)
      : askAtKeyboard(page, view, stack.use(openKeyboard(keyboard)));
  const follower = createConversationFollower();
  page.status('Trying the sandbox, starting Codex …');
  const conversation = stack.use(
    await openCodexConversation({
      ...(await modelOptions(play, stack)),
      host,
      workdir: folders.workdir,
      version: commandLine.codex,
      binary: { path: play.codex.path },
      sandbox: sandboxSettings(commandLine),
      onApproval: follower.onApproval,
      onQuestion: async () => ({ type: 'decline' }),
      signal,
    }),
  );
  showProbe(page, conversation);
  // Disposal ends it as well; this ends it while the turn is still awaited.
  signal.addEventListener('abort', () => void conversation.end().catch(() => undefined), { once: true });
  const following = follower.follow(conversation, { view, answer });
  const result = await conversation.run(task);
  await follower.turnAndCommandsEnded(lateCommandsMs);
  await conversation.end();
  await following;
  return { ...result, ...(conversation.usage === undefined ? {} : { usage: conversation.usage }) };
}

async function modelOptions(
  { apiKey, commandLine, page }: Play,
  stack: AsyncDisposableStack,
): Promise<Pick<CodexConversationOptions, 'model' | 'login' | 'config' | 'env'>> {
  const { PATH = '/usr/bin:/bin' } = process.env;
  const env = { PATH: `${dirname(process.execPath)}:${PATH}` };
  if (commandLine.model !== undefined && apiKey !== undefined) {
    const silent = { analytics: { enabled: false }, features: { plugins: false, apps: false } };
    return {
      model: commandLine.model,
      login: { type: 'api-key', apiKey },
      config: silent,
      env,
    };
  }
  const story = demoStory({
    pauseMs: page.live ? readingPauseMs : 0,
    asks: commandLine.sandbox === 'codex',
  });
  const model = stack.use(await openScriptedModel({ story }));
  // A model that both versions know, so that Codex plays with its real instructions and tools.
  return { config: model.providerConfig({ model: 'gpt-5.5' }), env };
}

function showProbe(page: Page, { sandbox }: OpenedCodexConversation): void {
  if (sandbox.confinedBy !== 'codex') return;
  const held = sandbox.checks.filter(({ expected, observed }) => expected === observed).length;
  page.block(`tried before the start: ${held} of ${sandbox.checks.length} checks held`, {
    mark: '           ',
    style: 'dim',
  });
}

interface Ending {
  readonly page: Page;
  readonly folders: DemoFolders;
  readonly shown: string;
  readonly result: RunResult;
  readonly passed: boolean;
}

async function summarise(host: Host, { page, folders, shown, result, passed }: Ending): Promise<void> {
  const { usage } = result;
  const changed = await changedFiles(host, folders.workdir);
  page.blank();
  page.block(passed ? 'Checked: the test passes now.' : 'Checked: the test does not pass.', {
    mark: passed ? '✓ ' : '✗ ',
    markStyle: passed ? 'green' : 'red',
    style: 'bold',
  });
  const row = (name: string, text: string): void =>
    page.block(text, { mark: `  ${name.padEnd(9)}`, markStyle: 'dim' });
  if (result.outcome.status !== 'completed') row('turn', result.outcome.status);
  if (usage !== undefined) {
    const cached = usage.cachedInput === 0 ? '' : ` (${usage.cachedInput} of them cached)`;
    row('tokens', `${usage.input} in${cached}, ${usage.output} out`);
  }
  row('changed', changed.length === 0 ? 'nothing' : changed.join(', '));
  row('folder', shown);
}

/** The key that Codex was logged in with is never left behind. */
async function tidy(host: Host, { check, workdir }: DemoFolders, { keep }: CommandLine): Promise<void> {
  const home = joinHostPath(workdir, 'home');
  await host.remove(check, { recursive: true });
  await host.remove(keep ? joinHostPath(home, '.codex/auth.json') : home, { recursive: true });
}
