import type { Collection, Db, Document, Filter } from 'mongodb';

/** What was read, and the server's clock no later than then. */
export interface Dated {
  readonly found: readonly Document[];
  readonly nowMs: number;
}

/** The clock of the server that decides: every program, in whatever language, goes by it. */
export interface ServerClock {
  now(): Promise<number>;
  /** Reads and asks the time in one go where the server knows `$$NOW`; else the time is asked first. */
  find(
    collection: Collection,
    filter: Filter<Document>,
    options?: { readonly without: string },
  ): Promise<Dated>;
}

const NOW_FIELD = '__now';

export function createServerClock(db: Db): ServerClock {
  let knowsNow: boolean | undefined;
  const now = async (): Promise<number> => {
    // Not every server of this protocol knows the newer word.
    const answer = await db.command({ hello: 1 }).catch(() => db.command({ isMaster: 1 }));
    const localTime: unknown = answer['localTime'];
    if (!(localTime instanceof Date)) throw new Error("the server's handshake holds no localTime");
    return localTime.getTime();
  };
  const findWithNow = async (
    collection: Collection,
    { filter, projection }: { readonly filter: Filter<Document>; readonly projection: Document | undefined },
  ): Promise<Dated | undefined> => {
    const stages = [
      { $match: filter },
      ...(projection === undefined ? [] : [{ $project: projection }]),
      { $addFields: { [NOW_FIELD]: '$$NOW' } },
    ];
    const found = await collection.aggregate(stages).toArray();
    const [first] = found;
    if (first === undefined) return { found, nowMs: await now() };
    const said: unknown = first[NOW_FIELD];
    return said instanceof Date ? { found, nowMs: said.getTime() } : undefined;
  };
  return {
    now,
    async find(collection, filter, options) {
      const projection = options === undefined ? undefined : { [options.without]: 0 };
      if (knowsNow !== false) {
        try {
          const dated = await findWithNow(collection, { filter, projection });
          knowsNow = dated !== undefined;
          if (dated !== undefined) return dated;
        } catch (failure) {
          // A server that refuses does not know the word; one that is away says nothing about it.
          if (knowsNow === true || !isRefusal(failure)) throw failure;
          knowsNow = false;
        }
      }
      const nowMs = await now();
      return {
        found: await collection.find(filter, projection === undefined ? {} : { projection }).toArray(),
        nowMs,
      };
    },
  };
}

function isRefusal(failure: unknown): boolean {
  return failure instanceof Error && failure.name === 'MongoServerError';
}
