import type { Quota, UsageWindow } from '@seedbed/seeds';
import { z } from 'zod';

const liveWindow = z.looseObject({
  usedPercent: z.number(),
  windowDurationMins: z.number().nullish(),
  resetsAt: z.number().nullish(),
});

const liveLimits = z.looseObject({
  limitName: z.string().nullish(),
  primary: liveWindow.nullish(),
  secondary: liveWindow.nullish(),
});

const liveSchema = z.looseObject({
  rateLimits: liveLimits,
  rateLimitsByLimitId: z.record(z.string(), liveLimits).nullish().catch(undefined),
});

/**
 * What a login has left, from the result of `account/rateLimits/read` or the params of `account/rateLimits/updated`.
 * `undefined` where they name no window: an update may say nothing, which takes nothing back of what was known.
 */
export function readCodexQuota(raw: unknown, takenMs: number): Quota | undefined {
  const parsed = liveSchema.safeParse(raw);
  if (!parsed.success) return undefined;
  const { rateLimits, rateLimitsByLimitId } = parsed.data;
  const buckets = Object.values(rateLimitsByLimitId ?? {});
  const windows = (buckets.length === 0 ? [rateLimits] : buckets).flatMap(
    ({ limitName, primary, secondary }) =>
      [primary, secondary].flatMap((window) =>
        window == null
          ? []
          : [
              usageWindow({
                usedPercent: window.usedPercent,
                minutes: window.windowDurationMins,
                resetsAtSeconds: window.resetsAt,
                name: limitName,
              }),
            ],
      ),
  );
  return windows.length === 0 ? undefined : { windows, takenMs };
}

const storedWindow = z.looseObject({
  used_percent: z.number(),
  limit_window_seconds: z.number().nullish(),
  reset_at: z.number().nullish(),
});

const storedLimits = z.looseObject({
  primary_window: storedWindow.nullish(),
  secondary_window: storedWindow.nullish(),
});

const usageSchema = z.looseObject({
  rate_limit: storedLimits.nullish(),
  additional_rate_limits: z
    .array(z.looseObject({ limit_name: z.string().nullish(), rate_limit: storedLimits.nullish() }))
    .nullish()
    .catch(undefined),
});

/** What a login has left, from the body of the provider's usage endpoint, which Codex itself asks. */
export function readCodexUsage(raw: unknown, takenMs: number): Quota | undefined {
  const parsed = usageSchema.safeParse(raw);
  if (!parsed.success) return undefined;
  const { additional_rate_limits: additional, rate_limit: main } = parsed.data;
  const buckets = [{ limit_name: undefined, rate_limit: main }, ...(additional ?? [])];
  const windows = buckets.flatMap(({ limit_name: name, rate_limit: limits }) =>
    [limits?.primary_window, limits?.secondary_window].flatMap((window) =>
      window == null
        ? []
        : [
            usageWindow({
              usedPercent: window.used_percent,
              minutes: window.limit_window_seconds == null ? undefined : window.limit_window_seconds / 60,
              resetsAtSeconds: window.reset_at,
              name,
            }),
          ],
    ),
  );
  return windows.length === 0 ? undefined : { windows, takenMs };
}

function usageWindow(window: {
  readonly usedPercent: number;
  readonly minutes: number | null | undefined;
  readonly resetsAtSeconds: number | null | undefined;
  readonly name: string | null | undefined;
}): UsageWindow {
  const { minutes, name, resetsAtSeconds, usedPercent } = window;
  const length = minutes == null ? 'usage' : lengthOf(minutes);
  return {
    label: name ? `${name}, ${length}` : length,
    usedPercent,
    ...(resetsAtSeconds == null ? {} : { resetsMs: resetsAtSeconds * 1000 }),
  };
}

function lengthOf(minutes: number): string {
  if (minutes === 10_080) return 'weekly';
  if (minutes % 1440 === 0) return `${minutes / 1440} d`;
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.round(minutes)} min`;
}
