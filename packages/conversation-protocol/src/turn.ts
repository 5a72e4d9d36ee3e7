import { z } from 'zod';

/** Tokens, as the provider counted them. */
export interface TokenUsage {
  readonly input: number;
  /** The part of `input` that the provider had cached. */
  readonly cachedInput: number;
  readonly output: number;
  /** The part of `output` that was reasoning. */
  readonly reasoning: number;
  readonly total: number;
}

/**
 * Why a turn failed.
 * - `usage-limit`, `rate-limit`, `budget`: no quota is left, for now.
 * - `context-window`: the thread has outgrown the model; compact or rewind it.
 * - `unauthorized`: the login or key was refused.
 * - `overloaded`, `connection`, `stream-cut`, `too-many-retries`: the provider could not be reached or gave up; trying again may work.
 * - `model-not-found`, `bad-request`, `policy`: the provider refuses this request.
 * - `sandbox`: the sandbox could not be set up.
 * - `agent-lost`: the agent's process ended or the link to its host broke.
 * - `deadline`: the caller's limit on the turn passed and it was interrupted.
 * - `internal`, `other`: anything else; the message has it.
 */
export type TurnFailureCode =
  | 'usage-limit'
  | 'rate-limit'
  | 'budget'
  | 'context-window'
  | 'unauthorized'
  | 'overloaded'
  | 'connection'
  | 'stream-cut'
  | 'too-many-retries'
  | 'model-not-found'
  | 'bad-request'
  | 'policy'
  | 'sandbox'
  | 'agent-lost'
  | 'deadline'
  | 'internal'
  | 'other';

export interface TurnFailure {
  readonly code: TurnFailureCode;
  readonly message: string;
  /** The status that the provider answered with. */
  readonly httpStatus?: number;
}

/** How a turn ended: a value, whatever happened. */
export type TurnOutcome =
  | { readonly status: 'completed' }
  | { readonly status: 'interrupted' }
  | { readonly status: 'failed'; readonly failure: TurnFailure };

export interface PlanStep {
  readonly text: string;
  readonly status: 'pending' | 'in-progress' | 'completed';
}

export const tokenUsageSchema: z.ZodType<TokenUsage> = z.looseObject({
  input: z.number(),
  cachedInput: z.number(),
  output: z.number(),
  reasoning: z.number(),
  total: z.number(),
});

const turnFailureSchema: z.ZodType<TurnFailure> = z.looseObject({
  code: z.enum([
    'usage-limit',
    'rate-limit',
    'budget',
    'context-window',
    'unauthorized',
    'overloaded',
    'connection',
    'stream-cut',
    'too-many-retries',
    'model-not-found',
    'bad-request',
    'policy',
    'sandbox',
    'agent-lost',
    'deadline',
    'internal',
    'other',
  ]),
  message: z.string(),
  httpStatus: z.number().exactOptional(),
});

export const turnOutcomeSchema: z.ZodType<TurnOutcome> = z.discriminatedUnion('status', [
  z.looseObject({ status: z.literal('completed') }),
  z.looseObject({ status: z.literal('interrupted') }),
  z.looseObject({ status: z.literal('failed'), failure: turnFailureSchema }),
]);

export const planStepSchema: z.ZodType<PlanStep> = z.looseObject({
  text: z.string(),
  status: z.enum(['pending', 'in-progress', 'completed']),
});
