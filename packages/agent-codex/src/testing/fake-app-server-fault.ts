import { z } from 'zod';

/**
 * When a fault strikes: before anything is read, in place of the answer to `initialize`, in place of the answer to `thread/start` or
 * `thread/resume`, in the middle of a turn (after its first words), or after a turn has ended.
 */
export type FaultMoment = 'start' | 'initialize' | 'thread' | 'turn' | 'after-turn';

/** What a real app-server does not do on demand. Several may strike at one moment, in their order. */
export type AppServerFault =
  /** Nothing is written any more, to stdout. It still reads, and ends on end of input. */
  | { readonly type: 'silence'; readonly at: FaultMoment }
  /** Lines that are no JSON, or JSON that is no message. */
  | { readonly type: 'garbage'; readonly at: FaultMoment }
  /** One valid notification of this many bytes. */
  | { readonly type: 'long-line'; readonly at: FaultMoment; readonly bytes: number }
  /** The beginning of a message, then the end of the process with code 0. */
  | { readonly type: 'half-line'; readonly at: FaultMoment }
  | { readonly type: 'exit'; readonly at: FaultMoment; readonly code: number }
  | {
      readonly type: 'kill';
      readonly at: FaultMoment;
      readonly signal: 'SIGKILL' | 'SIGSEGV' | 'SIGABRT' | 'SIGTERM';
    }
  /** Closes stdout and lives on. */
  | { readonly type: 'close-output'; readonly at: FaultMoment }
  /** A request that no client knows. The turn waits for its answer, and says it as text. */
  | { readonly type: 'unknown-request'; readonly at: 'turn' }
  /** Two requests to the client with one id. */
  | { readonly type: 'duplicate-request'; readonly at: 'turn' }
  /** Every answer to the client is sent twice. */
  | { readonly type: 'duplicate-answers' }
  /** An answer to a request that nobody made. */
  | { readonly type: 'stray-answer'; readonly at: FaultMoment }
  /** This method is answered with an error, always. */
  | { readonly type: 'refuse'; readonly method: string; readonly code: number; readonly message: string }
  /** This method is never answered. */
  | { readonly type: 'ignore-request'; readonly method: string }
  /** Turns go on for ever; an interrupt is answered and changes nothing. */
  | { readonly type: 'endless-turn' }
  /** All of stdout byte by byte, so that no character of two bytes arrives whole. */
  | { readonly type: 'split-bytes' }
  | { readonly type: 'stderr-flood'; readonly at: FaultMoment; readonly bytes: number }
  | { readonly type: 'ignore-sigterm' }
  /** It lives on for ten minutes. */
  | { readonly type: 'ignore-end-of-input' }
  /** Leaves a child that holds stdout and stderr open, also when the server itself is gone; for at most a minute. */
  | { readonly type: 'leave-child'; readonly at: FaultMoment };

const at = z.enum(['start', 'initialize', 'thread', 'turn', 'after-turn']);
const turn = z.literal('turn');
const bytes = z.number().int().min(1).max(1_000_000_000);

export const appServerFaultSchema: z.ZodType<AppServerFault> = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('silence'), at }),
  z.strictObject({ type: z.literal('garbage'), at }),
  z.strictObject({ type: z.literal('long-line'), at, bytes }),
  z.strictObject({ type: z.literal('half-line'), at }),
  z.strictObject({ type: z.literal('exit'), at, code: z.number().int().min(0).max(255) }),
  z.strictObject({
    type: z.literal('kill'),
    at,
    signal: z.enum(['SIGKILL', 'SIGSEGV', 'SIGABRT', 'SIGTERM']),
  }),
  z.strictObject({ type: z.literal('close-output'), at }),
  z.strictObject({ type: z.literal('unknown-request'), at: turn }),
  z.strictObject({ type: z.literal('duplicate-request'), at: turn }),
  z.strictObject({ type: z.literal('duplicate-answers') }),
  z.strictObject({ type: z.literal('stray-answer'), at }),
  z.strictObject({
    type: z.literal('refuse'),
    method: z.string(),
    code: z.number().int(),
    message: z.string(),
  }),
  z.strictObject({ type: z.literal('ignore-request'), method: z.string() }),
  z.strictObject({ type: z.literal('endless-turn') }),
  z.strictObject({ type: z.literal('split-bytes') }),
  z.strictObject({ type: z.literal('stderr-flood'), at, bytes }),
  z.strictObject({ type: z.literal('ignore-sigterm') }),
  z.strictObject({ type: z.literal('ignore-end-of-input') }),
  z.strictObject({ type: z.literal('leave-child'), at }),
]);
