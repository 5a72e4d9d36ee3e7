import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConversationEvent, EventMessage } from '@seedbed/conversation-protocol';
import { hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import {
  type CodexConversationOptions,
  type OpenedCodexConversation,
  openCodexConversation,
} from '../src/index.ts';
import { openScriptedModel, type ScriptedModel, type Step, type Story } from '../src/testing/index.ts';
import { codexBinary, type SupportedVersion } from './codex-binaries.ts';
import { PATIENT } from './patient-deadlines.ts';

/** A conversation of the real Codex with a scripted model, in a folder of its own. */
export interface ScriptedTask extends AsyncDisposable {
  readonly model: ScriptedModel;
  readonly workdir: string;
  readonly conversation: OpenedCodexConversation;
}

export interface ScriptedTaskOptions extends Partial<Omit<CodexConversationOptions, 'workdir' | 'version'>> {
  readonly version: SupportedVersion;
  /** A reply for each request of the model, or a whole story. */
  readonly story: Story | readonly (readonly Step[])[];
  /** A folder that is there, and stays. */
  readonly workdir?: string;
}

export async function openScriptedTask(options: ScriptedTaskOptions): Promise<ScriptedTask> {
  const { version, story, workdir, host = createLocalHost(), ...rest } = options;
  await using stack = new AsyncDisposableStack();
  const model = stack.use(
    await openScriptedModel({
      story: 'replies' in story ? story : { replies: story.map((steps) => ({ steps })) },
    }),
  );
  const folder = workdir ?? stack.adopt(await mkdtemp('/var/tmp/seedbed-task-'), removeFolder);
  const conversation = stack.use(
    await openCodexConversation({
      host,
      workdir: workdir ?? join(folder, 'work'),
      version,
      binary: { path: hostPath(await codexBinary(version)) },
      // As root the older version is refused; that it is has a test of its own.
      ...(host.uid === 0 ? { allowEscapableRoot: true } : {}),
      ...rest,
      deadlines: { ...PATIENT, ...rest.deadlines },
      config: { ...model.providerConfig({ offerAllTools: true }), ...rest.config },
      env: { ...model.env, ...rest.env },
    }),
  );
  const ended = stack.move();
  return {
    model,
    workdir: workdir ?? join(folder, 'work'),
    conversation,
    [Symbol.asyncDispose]: () => ended.disposeAsync(),
  };
}

async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

/** Waits for the first event that matches, past ones included. */
export async function eventOf<T extends EventMessage['type']>(
  conversation: OpenedCodexConversation,
  type: T,
  matches: (msg: Extract<EventMessage, { type: T }>) => boolean = () => true,
): Promise<Extract<EventMessage, { type: T }>> {
  for await (const { msg } of conversation.events()) {
    if (isOf(msg, type) && matches(msg)) return msg;
  }
  throw new Error(`The conversation ended without ${type}.`);
}

function isOf<T extends EventMessage['type']>(
  msg: EventMessage,
  type: T,
): msg is Extract<EventMessage, { type: T }> {
  return msg.type === type;
}

/** All events of a conversation that has ended. */
export async function allEvents(
  conversation: OpenedCodexConversation,
): Promise<readonly ConversationEvent[]> {
  return await Array.fromAsync(conversation.events());
}
