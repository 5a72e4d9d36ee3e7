import type {
  EventMessage,
  Goal,
  GoalStatus,
  PlanStep,
  RateLimitWindow,
  TokenUsage,
} from '@seedbed/conversation-protocol';
import { z } from 'zod';
import { mapTurnError } from './error-info.ts';
import { mapFileChanges, mapItem } from './item-mapping.ts';
import { readDelta } from './read-delta.ts';

/** One notification, read: what it means as events, or nothing when it does not have the shape that it should. */
type Reader = (params: unknown) => readonly EventMessage[] | undefined;

function reader<T>(schema: z.ZodType<T>, map: (params: T) => readonly EventMessage[] | undefined): Reader {
  return (params) => {
    const parsed = schema.safeParse(params);
    return parsed.success ? map(parsed.data) : undefined;
  };
}

const inTurn = { threadId: z.string(), turnId: z.string() };
const inItem = { ...inTurn, itemId: z.string() };

const item = (type: 'item-started' | 'item-completed'): Reader =>
  reader(z.looseObject({ ...inTurn, item: z.unknown() }), ({ turnId, item: raw }) => {
    const mapped = mapItem(raw, type === 'item-started' ? 'started' : 'completed');
    return mapped === undefined ? undefined : [{ type, turnId, item: mapped }];
  });

const textDelta =
  (type: 'message-delta' | 'command-output-delta'): Reader =>
  (params) => {
    const delta = readDelta(params);
    return delta && [{ type, ...delta }];
  };

const warningText = reader(z.looseObject({ message: z.string() }), ({ message }) => [
  { type: 'warning', message },
]);

const summaryAndDetails = reader(
  z.looseObject({ summary: z.string(), details: z.string().nullish() }),
  ({ summary, details }) => [{ type: 'warning', message: details ? `${summary}: ${details}` : summary }],
);

const planStatus: Readonly<Record<string, PlanStep['status']>> = {
  pending: 'pending',
  inProgress: 'in-progress',
  completed: 'completed',
};

const goalStatus: Readonly<Record<string, GoalStatus>> = {
  active: 'active',
  paused: 'paused',
  blocked: 'blocked',
  usageLimited: 'usage-limited',
  budgetLimited: 'budget-limited',
  complete: 'complete',
};

const usageSchema = z.looseObject({
  totalTokens: z.number(),
  inputTokens: z.number(),
  cachedInputTokens: z.number(),
  outputTokens: z.number(),
  reasoningOutputTokens: z.number(),
});

const goalSchema = z.looseObject({
  objective: z.string(),
  status: z.string(),
  tokenBudget: z.number().nullish(),
  tokensUsed: z.number(),
  timeUsedSeconds: z.number(),
});

const limitWindow = z.looseObject({
  usedPercent: z.number(),
  windowDurationMins: z.number().nullish(),
  resetsAt: z.number().nullish(),
});

const rateLimitsSchema = z.looseObject({
  primary: limitWindow.nullish(),
  secondary: limitWindow.nullish(),
  rateLimitReachedType: z.unknown().optional(),
});

const readers: Readonly<Record<string, Reader>> = {
  'item/started': item('item-started'),
  'item/completed': item('item-completed'),
  'item/agentMessage/delta': textDelta('message-delta'),
  'item/plan/delta': textDelta('message-delta'),
  'item/reasoning/summaryTextDelta': reader(
    z.looseObject({ ...inItem, delta: z.string(), summaryIndex: z.number() }),
    ({ turnId, itemId, delta: text, summaryIndex }) => [
      { type: 'reasoning-delta', turnId, itemId, field: 'summary', part: partOf(summaryIndex), text },
    ],
  ),
  'item/reasoning/textDelta': reader(
    z.looseObject({ ...inItem, delta: z.string(), contentIndex: z.number() }),
    ({ turnId, itemId, delta: text, contentIndex }) => [
      { type: 'reasoning-delta', turnId, itemId, field: 'content', part: partOf(contentIndex), text },
    ],
  ),
  'item/commandExecution/outputDelta': textDelta('command-output-delta'),
  'item/fileChange/patchUpdated': reader(
    z.looseObject({ ...inItem, changes: z.unknown() }),
    ({ turnId, itemId, changes: raw }) => {
      const changes = mapFileChanges(raw);
      return (
        changes && [
          {
            type: 'item-updated',
            turnId,
            item: { kind: 'file-change', itemId, status: 'in-progress', changes },
          },
        ]
      );
    },
  ),
  'turn/plan/updated': reader(
    z.looseObject({
      ...inTurn,
      explanation: z.string().nullish(),
      plan: z.array(z.looseObject({ step: z.string(), status: z.string() })),
    }),
    ({ turnId, explanation, plan }) => [
      {
        type: 'plan-updated',
        turnId,
        ...(explanation ? { explanation } : {}),
        steps: plan.map(({ step, status }) => ({ text: step, status: planStatus[status] ?? 'pending' })),
      },
    ],
  ),
  'turn/diff/updated': reader(z.looseObject({ ...inTurn, diff: z.string() }), ({ turnId, diff }) => [
    { type: 'diff-updated', turnId, diff },
  ]),
  'thread/tokenUsage/updated': reader(
    z.looseObject({
      tokenUsage: z.looseObject({ total: usageSchema, modelContextWindow: z.number().nullish() }),
    }),
    ({ tokenUsage }) => [
      {
        type: 'usage-updated',
        usage: mapUsage(tokenUsage.total),
        ...(typeof tokenUsage.modelContextWindow === 'number'
          ? { contextWindow: tokenUsage.modelContextWindow }
          : {}),
      },
    ],
  ),
  'thread/goal/updated': reader(z.looseObject({ goal: goalSchema }), ({ goal }) => [
    { type: 'goal-updated', goal: mapGoal(goal) },
  ]),
  'thread/goal/cleared': () => [{ type: 'goal-cleared' }],
  'thread/compacted': () => [{ type: 'compacted' }],
  'thread/name/updated': reader(z.looseObject({ threadName: z.string().nullish() }), ({ threadName }) => [
    { type: 'renamed', name: threadName ?? '' },
  ]),
  'account/rateLimits/updated': reader(z.looseObject({ rateLimits: rateLimitsSchema }), ({ rateLimits }) => {
    // Sent after every answer of a provider that has no limits: then it says nothing.
    const limits = mapRateLimits(rateLimits);
    return limits.windows.length > 0 || limits.reached ? [limits] : undefined;
  }),
  'model/rerouted': reader(
    z.looseObject({ fromModel: z.string(), toModel: z.string() }),
    // For this turn alone: what was asked for is asked for again with the next one.
    ({ fromModel, toModel }) => [
      { type: 'warning', message: `The provider answers with ${toModel} instead of ${fromModel}.` },
    ],
  ),
  error: reader(
    z.looseObject({ error: z.unknown().optional(), willRetry: z.boolean(), turnId: z.string().nullish() }),
    ({ error, willRetry, turnId }) => [
      { type: 'error', message: mapTurnError(error).message, willRetry, ...(turnId ? { turnId } : {}) },
    ],
  ),
  warning: warningText,
  guardianWarning: warningText,
  configWarning: summaryAndDetails,
  deprecationNotice: summaryAndDetails,
};

/** The notifications that become events of their own; every other one is passed on as `raw`. */
export const mappedNotifications: readonly string[] = Object.keys(readers);

/**
 * Translates a notification of Codex's app-server. One that is not known, or does not look as it should, comes out as `raw`: nothing is dropped.
 * `turn/started` and `turn/completed` are not here, because what they mean depends on who started the turn.
 */
export function mapNotification(method: string, params: unknown): readonly EventMessage[] {
  const read = Object.hasOwn(readers, method) ? readers[method] : undefined;
  return read?.(params) ?? [{ type: 'raw', method, params }];
}

export function parseGoal(raw: unknown): Goal | undefined {
  const parsed = goalSchema.safeParse(raw);
  return parsed.success ? mapGoal(parsed.data) : undefined;
}

export function parseRateLimits(
  raw: unknown,
): Extract<EventMessage, { type: 'rate-limits-updated' }> | undefined {
  const parsed = rateLimitsSchema.safeParse(raw);
  return parsed.success ? mapRateLimits(parsed.data) : undefined;
}

/** Codex declares a signed number here. */
function partOf(index: number): number {
  return Math.max(0, Math.trunc(index));
}

function mapUsage(usage: z.infer<typeof usageSchema>): TokenUsage {
  return {
    input: usage.inputTokens,
    cachedInput: usage.cachedInputTokens,
    output: usage.outputTokens,
    reasoning: usage.reasoningOutputTokens,
    total: usage.totalTokens,
  };
}

function mapGoal(goal: z.infer<typeof goalSchema>): Goal {
  return {
    objective: goal.objective,
    status: goalStatus[goal.status] ?? 'active',
    tokensUsed: goal.tokensUsed,
    secondsUsed: goal.timeUsedSeconds,
    ...(typeof goal.tokenBudget === 'number' ? { tokenBudget: goal.tokenBudget } : {}),
  };
}

function mapRateLimits(
  limits: z.infer<typeof rateLimitsSchema>,
): Extract<EventMessage, { type: 'rate-limits-updated' }> {
  const windows = (['primary', 'secondary'] as const).flatMap((name): RateLimitWindow[] => {
    const window = limits[name];
    if (!window) return [];
    return [
      {
        name,
        usedPercent: window.usedPercent,
        ...(typeof window.windowDurationMins === 'number'
          ? { windowMinutes: window.windowDurationMins }
          : {}),
        // Codex counts seconds here.
        ...(typeof window.resetsAt === 'number' ? { resetsAt: window.resetsAt * 1000 } : {}),
      },
    ];
  });
  const reached = limits.rateLimitReachedType !== null && limits.rateLimitReachedType !== undefined;
  return { type: 'rate-limits-updated', windows, reached };
}
