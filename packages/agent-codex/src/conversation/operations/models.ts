import type { ControlChoice, Controls } from '@seedbed/conversation-protocol';
import { z } from 'zod';
import { AgentCodexError } from '../../agent-codex-error.ts';
import type { SessionContext } from '../session-context.ts';

export interface CodexModel extends ControlChoice {
  readonly isDefault: boolean;
  readonly efforts: readonly ControlChoice[];
  readonly defaultEffort: string;
}

const listAnswer = z.looseObject({
  data: z.array(
    z.looseObject({
      model: z.string(),
      displayName: z.string(),
      description: z.string().nullish(),
      supportedReasoningEfforts: z.array(
        z.looseObject({ reasoningEffort: z.string(), description: z.string().nullish() }),
      ),
      defaultReasoningEffort: z.string(),
      isDefault: z.boolean(),
    }),
  ),
  nextCursor: z.string().nullish(),
});

/** What `model/list` offers: a catalogue inside the binary, answered without the network. */
export async function listModels({ server }: Pick<SessionContext, 'server'>): Promise<readonly CodexModel[]> {
  const models: CodexModel[] = [];
  let cursor: string | undefined;
  do {
    const answer = await server.request('model/list', cursor === undefined ? {} : { cursor });
    const parsed = listAnswer.safeParse(answer);
    if (!parsed.success)
      throw new AgentCodexError('agent-error', 'Codex answered model/list without a list.');
    models.push(
      ...parsed.data.data.map((one) => ({
        value: one.model,
        label: one.displayName,
        ...(one.description ? { description: one.description } : {}),
        isDefault: one.isDefault,
        defaultEffort: one.defaultReasoningEffort,
        efforts: one.supportedReasoningEfforts.map(({ reasoningEffort, description }) => ({
          value: reasoningEffort,
          label: reasoningEffort,
          ...(description ? { description } : {}),
        })),
      })),
    );
    cursor = parsed.data.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return models;
}

const controlNames = ['model', 'effort'];

/**
 * Checks what a control is set to before a turn fails on it. A model that the catalogue does not name may still exist at the provider.
 * @throws {AgentCodexError} `invalid-answer`; the message lists what there is.
 */
export async function setControls(
  context: SessionContext,
  controls: Controls,
  submissionId?: string,
): Promise<void> {
  refuseUnknownControls(controls);
  const models = await listModels(context);
  // Others may have been set meanwhile.
  const next = { ...context.controls, ...controls };
  const model = models.find((one) => one.value === next['model']);
  const effort = next['effort'];
  if (model !== undefined && effort !== undefined && !model.efforts.some((one) => one.value === effort)) {
    const efforts = model.efforts.map((one) => one.value).join(', ');
    throw new AgentCodexError(
      'invalid-answer',
      `${model.value} has no effort ${JSON.stringify(effort)}; it has: ${efforts}.`,
    );
  }
  context.controls = next;
  context.append({ type: 'controls-changed', controls }, submissionId);
}

/** @throws {AgentCodexError} `invalid-answer` for a control that there is not. */
export function refuseUnknownControls(controls: Controls): void {
  const unknown = Object.keys(controls).find((name) => !controlNames.includes(name));
  if (unknown === undefined) return;
  throw new AgentCodexError(
    'invalid-answer',
    `There is no control ${JSON.stringify(unknown)}; there are: ${controlNames.join(', ')}.`,
  );
}
