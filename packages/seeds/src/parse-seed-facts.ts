import { z } from 'zod';
import { SeedError } from './seed-error.ts';
import type { SeedFacts, SeedId } from './seed-facts.ts';

const text = z.string();
const number = z.number();
const opt = <T extends z.ZodType>(schema: T): z.ZodExactOptional<T> => z.exactOptional(schema);

const factsSchema = z.object({
  id: text.min(1),
  createdMs: number,
  updatedMs: number,
  pool: opt(text),
  label: opt(text),
  status: z.enum(['alive', 'suspect', 'retired']),
  statusReason: opt(text),
  lease: opt(z.object({ holder: text, fence: number, expiresMs: number })),
  lastLeasedMs: opt(number),
  fence: number,
  credential: opt(
    z.object({ generation: text, rotates: z.boolean(), refreshedMs: opt(number), expiresMs: opt(number) }),
  ),
  outstanding: opt(
    z.object({
      phase: z.enum(['planting', 'planted', 'collected', 'refreshing']),
      holder: text,
      fence: number,
      basis: text,
      place: opt(text),
      path: opt(text),
    }),
  ),
  lineage: z.array(
    z.object({
      generation: text,
      parent: opt(text),
      atMs: number,
      holder: opt(text),
      how: z.enum(['captured', 'rotated', 'refreshed', 'restored', 'foreign']),
    }),
  ),
  aside: z.array(
    z.object({
      generation: text,
      atMs: number,
      holder: opt(text),
      reason: z.enum(['conflict', 'overwritten', 'doubtful', 'replaced']),
      sealed: text,
    }),
  ),
  details: opt(text),
  load: opt(z.object({ usedPercent: number, resetsMs: opt(number) })),
});

/** What a store has kept of a seed. @throws {SeedError} `unreadable`, which names what is wrong with it. */
export function parseSeedFacts(stored: unknown): SeedFacts {
  const parsed = factsSchema.safeParse(stored);
  if (parsed.success) return { ...parsed.data, id: parsed.data.id as SeedId };
  const [issue] = parsed.error.issues;
  throw new SeedError(
    'unreadable',
    `A stored seed cannot be read: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}. It was not written by this package, or by a later version.`,
  );
}

/** Refuses what could not be read again, before it is written. @throws {SeedError} `invalid-config`, which names it. */
export function requireReadable(facts: SeedFacts): void {
  const parsed = factsSchema.safeParse(facts);
  if (parsed.success) return;
  const [issue] = parsed.error.issues;
  throw new SeedError(
    'invalid-config',
    `Seed ${facts.id} was not changed: with this it could not be read again: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}.`,
  );
}
