import { randomUUID } from 'node:crypto';
import type { Controls, ExternalInput, UserInput } from '@seedbed/conversation-protocol';
import type { SessionContext } from '../session-context.ts';
import type { ExpectedTurn } from '../turn-tracker.ts';
import { beginTurn, refuseUnlessStarted, turnIdOf } from './begin-turn.ts';
import { refuseUnknownControls } from './models.ts';

export interface StartTurnOptions {
  readonly outputSchema?: Readonly<Record<string, unknown>>;
  readonly controls?: Controls;
  readonly submissionId?: string;
}

/** Starts a turn with the user's words. @throws {AgentCodexError} `turn-running` and what a request can end in. */
export async function startTurn(
  context: SessionContext,
  content: readonly UserInput[],
  options: StartTurnOptions = {},
): Promise<ExpectedTurn> {
  refuseUnknownControls(options.controls ?? {});
  const { uploads } = context;
  const told = uploads.map(
    (path): UserInput => ({ type: 'text', text: `System: the user uploaded ${path}` }),
  );
  const turn = await requestTurn(context, options, {
    input: [...told, ...content].flatMap(wireInput),
    ...(options.outputSchema === undefined ? {} : { outputSchema: options.outputSchema }),
  });
  context.uploads = context.uploads.slice(uploads.length);
  return turn;
}

/**
 * Starts a turn with somebody else's words. They reach the model marked with their source: untrusted text from 0.142 as `<external_…>` of
 * no author, from 0.169 as the output of a tool; an application's as a developer message. The mark ends in a number that the author cannot guess,
 * so that the text cannot close it and go on as somebody else; and Codex would send the same text under the same mark only once.
 */
export async function startExternalTurn(
  context: SessionContext,
  input: ExternalInput,
  submissionId?: string,
): Promise<ExpectedTurn> {
  const turn = await requestTurn(context, submissionId === undefined ? {} : { submissionId }, {
    input: [],
    additionalContext: contextOf(input),
  });
  const turnId = await turn.started;
  context.append(
    {
      type: 'item-completed',
      turnId,
      item: { kind: 'external-message', itemId: `external:${turnId}`, status: 'completed', ...input },
    },
    submissionId,
  );
  return turn;
}

function contextOf({ source, trust, text }: ExternalInput): Readonly<Record<string, unknown>> {
  return { [`${source}-${randomUUID()}`]: { kind: trust, value: text } };
}

interface TurnParams {
  readonly input: readonly unknown[];
  readonly additionalContext?: Readonly<Record<string, unknown>>;
  readonly outputSchema?: Readonly<Record<string, unknown>>;
}

/** What this program has to say goes with whatever starts the next turn. */
function withNotices(notices: readonly string[], params: TurnParams): TurnParams {
  if (notices.length === 0) return params;
  const told = notices.map((text) => contextOf({ source: 'system', trust: 'application', text }));
  return { ...params, additionalContext: Object.assign({}, ...told, params.additionalContext) };
}

async function requestTurn(
  context: SessionContext,
  options: StartTurnOptions,
  params: TurnParams,
): Promise<ExpectedTurn> {
  const { server, turns, threadId, deadlines } = context;
  const turn = turns.expect(options.submissionId);
  applyControls(context, options);
  const { notices } = context;
  return await beginTurn(turn, async () => {
    const answer = await server.request('turn/start', {
      threadId,
      ...withNotices(notices, params),
      ...context.turnPolicy,
      ...wireControls(context.controls),
    });
    // What came meanwhile is for the next one.
    context.notices = context.notices.slice(notices.length);
    turn.accepted(turnIdOf(answer, 'turn/start'));
    refuseUnlessStarted(turn, deadlines.requestMs);
  });
}

/** They hold from this turn on, also for whoever resumes the task: what has been told as an event is saved with it. */
function applyControls(context: SessionContext, { controls = {}, submissionId }: StartTurnOptions): void {
  const changed = Object.entries(controls).filter(([name, value]) => context.controls[name] !== value);
  if (changed.length === 0) return;
  context.controls = { ...context.controls, ...controls };
  context.append({ type: 'controls-changed', controls: Object.fromEntries(changed) }, submissionId);
}

export function wireControls(controls: Controls): Readonly<Record<string, string>> {
  const { model, effort } = controls;
  return { ...(model === undefined ? {} : { model }), ...(effort === undefined ? {} : { effort }) };
}

/** A file is mentioned by its path in words as well: what Codex calls a mention does not reach the model. */
export function wireInput(input: UserInput): readonly Readonly<Record<string, unknown>>[] {
  switch (input.type) {
    case 'text':
      return [{ type: 'text', text: input.text, text_elements: [] }];
    case 'image':
      return [{ type: 'image', url: input.url }];
    case 'local-image':
      return [{ type: 'localImage', path: input.path }];
    case 'file': {
      const name = input.name ?? input.path.slice(input.path.lastIndexOf('/') + 1);
      return [
        { type: 'text', text: `File ${name}: ${input.path}`, text_elements: [] },
        { type: 'mention', name, path: input.path },
      ];
    }
  }
}
