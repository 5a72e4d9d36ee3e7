import { z } from 'zod';

/** What goes wrong. */
type Harm =
  /** Answers with this status, in the manner of a server that is in trouble. `retryAfter` in seconds. */
  | { readonly type: 'status'; readonly status: number; readonly retryAfter?: number }
  /** Never answers. */
  | { readonly type: 'hang' }
  /** Answers 200 with a web page, as the login page of a hotel's network does. */
  | { readonly type: 'html' }
  /** Answers 200 with these words as JSON, whatever they are. */
  | { readonly type: 'says'; readonly body: string }
  /** Sends the client elsewhere, status 307. */
  | { readonly type: 'redirect'; readonly location: string }
  /** Answers 200 with JSON of this many bytes. */
  | { readonly type: 'huge'; readonly bytes: number }
  /** Breaks the connection: before anything was done, after it was done but before the answer, or in the middle of the answer. */
  | { readonly type: 'cut'; readonly when: 'received' | 'done' | 'answering' }
  /** Does what was asked, and answers only when the hold is released. */
  | { readonly type: 'hold'; readonly name: string }
  /** Does what was asked, and answers after this time. */
  | { readonly type: 'slow'; readonly ms: number };

/** A fault of a rotating OAuth server, for the next requests. */
export type OAuthFault = Harm & {
  /** The end of the path that it befalls. Default `/oauth/token`. */
  readonly path?: string;
  /** How many requests. Default 1. */
  readonly times?: number;
};

const place = { path: z.string().exactOptional(), times: z.int().positive().exactOptional() };

export const oauthFaultSchema: z.ZodType<OAuthFault> = z.discriminatedUnion('type', [
  z.strictObject({
    ...place,
    type: z.literal('status'),
    status: z.int().min(200).max(599),
    retryAfter: z.int().exactOptional(),
  }),
  z.strictObject({ ...place, type: z.literal('hang') }),
  z.strictObject({ ...place, type: z.literal('html') }),
  z.strictObject({ ...place, type: z.literal('says'), body: z.string() }),
  z.strictObject({ ...place, type: z.literal('redirect'), location: z.string() }),
  z.strictObject({ ...place, type: z.literal('huge'), bytes: z.int().positive() }),
  z.strictObject({ ...place, type: z.literal('cut'), when: z.enum(['received', 'done', 'answering']) }),
  z.strictObject({ ...place, type: z.literal('hold'), name: z.string().min(1) }),
  z.strictObject({ ...place, type: z.literal('slow'), ms: z.int().nonnegative() }),
]);

/** The faults that are still to come, in the order in which they were asked for. */
export interface FaultQueue {
  add(fault: OAuthFault): void;
  /** The fault that befalls a request to this path, used up by it. */
  next(path: string): OAuthFault | undefined;
}

export function createFaultQueue(): FaultQueue {
  const waiting: { readonly fault: OAuthFault; left: number }[] = [];
  return {
    add: (fault) => void waiting.push({ fault, left: fault.times ?? 1 }),
    next(path) {
      const found = waiting.find(({ fault }) => path.endsWith(fault.path ?? '/oauth/token'));
      if (found === undefined) return undefined;
      found.left -= 1;
      if (found.left === 0) waiting.splice(waiting.indexOf(found), 1);
      return found.fault;
    },
  };
}
