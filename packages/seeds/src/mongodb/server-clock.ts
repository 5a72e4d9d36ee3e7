import type { Collection, Db, Document, Filter } from 'mongodb';
import type { Answered } from './server-answer.ts';

/** What was read, and the server's clock no later than then. */
export interface Dated {
  readonly found: readonly Document[];
  readonly nowMs: number;
}

/** The clock of the server that decides: every program, in whatever language, goes by it. */
export interface ServerClock {
  now(signal?: AbortSignal): Promise<number>;
  /** Reads and asks the time in one go where the server knows `$$NOW`; else the time is asked first. */
  find(
    collection: Collection,
    filter: Filter<Document>,
    options?: { readonly without?: string; readonly signal?: AbortSignal | undefined },
  ): Promise<Dated>;
}

const NOW_FIELD = '__now';

interface Question {
  readonly filter: Filter<Document>;
  readonly projection: Document | undefined;
  readonly signal: AbortSignal | undefined;
}

export function createServerClock(db: Db, answered: Answered): ServerClock {
  let knowsNow: boolean | undefined;
  const now = async (signal?: AbortSignal): Promise<number> => {
    const handshake = async (command: Document): Promise<Document> =>
      await answered((unwanted) => db.command(command, { signal: unwanted }), signal);
    const answer = await handshake({ hello: 1 }).catch((failure: unknown) => {
      // Not every server of this protocol knows the newer word; one that is away knows the older one no better.
      if (!isRefusal(failure)) throw failure;
      return handshake({ isMaster: 1 });
    });
    const localTime: unknown = answer['localTime'];
    if (!(localTime instanceof Date)) throw new Error("the server's handshake holds no localTime");
    return localTime.getTime();
  };
  const findWithNow = async (
    collection: Collection,
    { filter, projection, signal }: Question,
  ): Promise<Dated | undefined> => {
    const stages = [
      { $match: filter },
      ...(projection === undefined ? [] : [{ $project: projection }]),
      { $addFields: { [NOW_FIELD]: '$$NOW' } },
    ];
    const found = await answered(
      (unwanted) => collection.aggregate(stages, { signal: unwanted }).toArray(),
      signal,
    );
    const [first] = found;
    if (first === undefined) return { found, nowMs: await now(signal) };
    const said: unknown = first[NOW_FIELD];
    return said instanceof Date ? { found, nowMs: said.getTime() } : undefined;
  };
  return {
    now,
    async find(collection, filter, { without, signal } = {}) {
      const projection = without === undefined ? undefined : { [without]: 0 };
      if (knowsNow !== false) {
        try {
          const dated = await findWithNow(collection, { filter, projection, signal });
          knowsNow = dated !== undefined;
          if (dated !== undefined) return dated;
        } catch (failure) {
          // A server that refuses does not know the word; one that is away says nothing about it.
          if (knowsNow === true || !isRefusal(failure)) throw failure;
          knowsNow = false;
        }
      }
      const nowMs = await now(signal);
      const only = projection === undefined ? {} : { projection };
      return {
        found: await answered(
          (unwanted) => collection.find(filter, { ...only, signal: unwanted }).toArray(),
          signal,
        ),
        nowMs,
      };
    },
  };
}

function isRefusal(failure: unknown): boolean {
  return failure instanceof Error && failure.name === 'MongoServerError';
}
