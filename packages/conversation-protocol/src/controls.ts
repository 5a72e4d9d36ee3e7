import { z } from 'zod';

/** The knobs of a running conversation, by the agent's own names: `model`, `effort`, … */
export type Controls = Readonly<Record<string, string>>;

/** What a control may be set to. */
export interface ControlChoice {
  readonly value: string;
  readonly label: string;
  readonly description?: string;
}

export interface RateLimitWindow {
  /** `primary`, `secondary`: the provider's names. */
  readonly name: string;
  readonly usedPercent: number;
  readonly windowMinutes?: number;
  /** Milliseconds since the epoch. */
  readonly resetsAt?: number;
}

export const controlsSchema: z.ZodType<Controls> = z.record(z.string().max(64), z.string().max(256));

export const rateLimitWindowSchema: z.ZodType<RateLimitWindow> = z.looseObject({
  name: z.string(),
  usedPercent: z.number(),
  windowMinutes: z.number().exactOptional(),
  resetsAt: z.number().exactOptional(),
});
