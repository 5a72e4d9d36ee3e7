import { createHash } from 'node:crypto';
import type { SeedId } from './seed-facts.ts';

/** Hexadecimal digits of a MongoDB ObjectId, which the layouts of other programs want. */
const DIGITS = 24;

/** The id of a login's seed, from the login's fingerprint. For stores. */
export function fingerprintId(fingerprint: string): SeedId {
  return createHash('sha256').update(`seedbed/seed/${fingerprint}`).digest('hex').slice(0, DIGITS) as SeedId;
}
