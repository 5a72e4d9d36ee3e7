import type { Document, Filter, ObjectId, UpdateFilter } from 'mongodb';
import type { SeedFacts } from '../seed-facts.ts';
import type { SeedReading, SeedVersion } from '../seed-store.ts';

/** How seeds lie in a collection. */
export interface SeedShape {
  /** What selects the seeds of a pool. */
  poolFilter(pool: string): Filter<Document>;
  reading(document: Document): SeedReading;
  /** Matches the document only as it was read. */
  asRead(id: ObjectId, version: SeedVersion): Filter<Document>;
  /** The blob that the document pointed at when it was read. */
  blobOf(version: SeedVersion): ObjectId | undefined;
  /** What makes a document out of nothing, but for its `_id`. */
  fresh(facts: SeedFacts, stored: StoredBytes): Document;
  change(read: SeedReading, facts: SeedFacts, stored: StoredBytes | undefined): UpdateFilter<Document>;
  /** Where in the document the content is; left out of listings. */
  readonly contentField: string;
  /** What this package stored last. */
  content(document: Document): Uint8Array;
}

/** Content on its way into a document. */
export interface StoredBytes {
  readonly bytes: Uint8Array;
  /** The blob that has them too, where others look for them. */
  readonly blobId: ObjectId | undefined;
}
