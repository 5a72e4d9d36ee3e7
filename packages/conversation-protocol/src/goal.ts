import { z } from 'zod';

/** `complete` is success; `blocked`, `usage-limited` and `budget-limited` are ends too; `active` and `paused` are not. */
export type GoalStatus = 'active' | 'paused' | 'blocked' | 'usage-limited' | 'budget-limited' | 'complete';

/** What the agent works towards over several turns, starting further ones by itself. */
export interface Goal {
  readonly objective: string;
  readonly status: GoalStatus;
  /** Tokens at the most; absent means no limit. */
  readonly tokenBudget?: number;
  readonly tokensUsed: number;
  readonly secondsUsed: number;
}

export const goalSchema: z.ZodType<Goal> = z.looseObject({
  objective: z.string(),
  status: z.enum(['active', 'paused', 'blocked', 'usage-limited', 'budget-limited', 'complete']),
  tokenBudget: z.number().exactOptional(),
  tokensUsed: z.number(),
  secondsUsed: z.number(),
});
