import { Binary } from 'mongodb';
import { parseSeedFacts } from '../parse-seed-facts.ts';
import type { SeedVersion } from '../seed-store.ts';
import type { SeedShape } from './seed-shape.ts';

/**
 * Seeds that no other program knows: `{ _id, revision, pool, facts, content }`. None of the fields has a name that a program which shares pools looks for, so that it
 * can neither lease them nor judge what it cannot open.
 */
export const privateShape: SeedShape = {
  poolFilter: (pool) => ({ pool }),
  reading: ({ _id, revision, facts }) => ({
    facts: parseSeedFacts({ ...facts, id: String(_id) }),
    version: String(revision) as SeedVersion,
    overwritten: false,
  }),
  asRead: (_id, version) => ({ _id, revision: Number(version) }),
  blobOf: () => undefined,
  fresh: ({ id: _, ...facts }, { bytes }) => ({
    revision: 1,
    pool: facts.pool ?? null,
    facts,
    content: new Binary(bytes),
  }),
  change: ({ version }, { id: _, ...facts }, stored) => ({
    $set: {
      revision: Number(version) + 1,
      pool: facts.pool ?? null,
      facts,
      ...(stored === undefined ? {} : { content: new Binary(stored.bytes) }),
    },
  }),
  contentField: 'content',
  content: ({ content }) => bytesOf(content),
};

export function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (value instanceof Binary) return value.value();
  return new Uint8Array();
}
