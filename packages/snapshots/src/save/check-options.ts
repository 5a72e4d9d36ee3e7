import { z } from 'zod';
import { SnapshotError } from '../snapshot-error.ts';
import type { SaveSnapshotOptions } from '../snapshots.ts';

const strings = z.array(z.string());
/** Whole, or no bound at all. */
const count = (least: number): z.ZodType<number> =>
  z.custom<number>(
    (value) => value === Number.POSITIVE_INFINITY || (Number.isSafeInteger(value) && Number(value) >= least),
    `must be a whole number, ${least} at the least`,
  );

/** What a caller without types may get wrong; what the types cannot say, too. */
const saveOptions = z.object({
  endState: z.enum(['done', 'failed', 'cancelled', 'checkpoint']).optional(),
  labels: z.record(z.string(), z.string()).optional(),
  facts: z.custom<unknown>(isJson, 'must be what JSON can say').optional(),
  exclude: strings.optional(),
  required: strings.optional(),
  regenerableFile: z.string().optional(),
  maxEntries: count(1).optional(),
  maxBytes: count(0).optional(),
  keep: count(1).optional(),
});

function isJson(value: unknown): boolean {
  try {
    return value === undefined || JSON.stringify(value) !== undefined;
  } catch {
    return false;
  }
}

/** Before anything is read or stored. @throws {SnapshotError} `invalid-config` that names what cannot be. */
export function refuseSaveOptions(options: SaveSnapshotOptions): void {
  const checked = saveOptions.safeParse(options);
  if (!checked.success)
    throw new SnapshotError('invalid-config', `Cannot save so: ${z.prettifyError(checked.error)}`);
}

/** @throws {SnapshotError} `invalid-config` */
export function refuseCount(name: string, value: number, least: number): void {
  if (count(least).safeParse(value).success) return;
  throw new SnapshotError(
    'invalid-config',
    `${name} must be a whole number, ${least} at the least; got ${value}.`,
  );
}
