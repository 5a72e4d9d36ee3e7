import { z } from 'zod';
import { type ApprovalDecision, approvalDecisionSchema } from './approval.ts';
import { type Controls, controlsSchema } from './controls.ts';
import { ConversationProtocolError } from './conversation-protocol-error.ts';
import { type QuestionAnswer, questionAnswerSchema } from './question.ts';
import { type ExternalInput, externalInputSchema, type UserInput, userInputSchema } from './user-input.ts';

export type ReviewTarget =
  | { readonly type: 'uncommitted-changes' }
  | { readonly type: 'base-branch'; readonly branch: string }
  | { readonly type: 'commit'; readonly sha: string }
  | { readonly type: 'instructions'; readonly text: string };

/** What a client may ask of a conversation. */
export type Op =
  /** Starts a turn. `outputSchema` is a JSON schema that the final message must satisfy; `controls` hold from this turn on. */
  | {
      readonly type: 'user-input';
      readonly content: readonly UserInput[];
      readonly outputSchema?: Readonly<Record<string, unknown>>;
      readonly controls?: Controls;
    }
  /** Starts a turn from text that does not carry the user's authority. */
  | { readonly type: 'external-input'; readonly input: ExternalInput }
  /** Adds to the turn that is running; refused when none is. */
  | { readonly type: 'steer'; readonly content: readonly UserInput[] }
  /** Ends the running turn; nothing happens when none is. */
  | {
      readonly type: 'interrupt' /** Leave commands that still run in the background. */;
      readonly keepBackground?: boolean;
    }
  | { readonly type: 'answer-approval'; readonly approvalId: string; readonly decision: ApprovalDecision }
  | { readonly type: 'answer-question'; readonly questionId: string; readonly answer: QuestionAnswer }
  /** From the next turn on. */
  | { readonly type: 'set-controls'; readonly controls: Controls }
  /** Forgets the turn and all that follow it. The files stay as they are. */
  | { readonly type: 'rewind'; readonly beforeTurnId: string }
  /** Copies the thread; the answer carries the new thread's id. */
  | { readonly type: 'fork' }
  /** Summarises what has been said, to make room. */
  | { readonly type: 'compact' }
  | { readonly type: 'review'; readonly target: ReviewTarget }
  | { readonly type: 'set-goal'; readonly objective: string; readonly tokenBudget?: number }
  | { readonly type: 'clear-goal' }
  | { readonly type: 'rename'; readonly name: string }
  | { readonly type: 'archive' }
  /** Ends commands that run in the background. */
  | { readonly type: 'end-background' }
  /** A file has been put into the workdir; the agent is told of it with the next input. */
  | { readonly type: 'upload-done'; readonly path: string; readonly size: number }
  | { readonly type: 'close' };

export type OpType = Op['type'];

export interface Submission {
  /** Chosen by the client and unique to it; the events that it causes carry it, and sending it twice does it once. */
  readonly id: string;
  readonly op: Op;
}

const content = z.array(userInputSchema).min(1).max(256);
const text = z.string().min(1);

const opSchema: z.ZodType<Op> = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('user-input'),
    content,
    outputSchema: z.record(z.string(), z.unknown()).exactOptional(),
    controls: controlsSchema.exactOptional(),
  }),
  z.strictObject({ type: z.literal('external-input'), input: externalInputSchema }),
  z.strictObject({ type: z.literal('steer'), content }),
  z.strictObject({ type: z.literal('interrupt'), keepBackground: z.boolean().exactOptional() }),
  z.strictObject({ type: z.literal('answer-approval'), approvalId: text, decision: approvalDecisionSchema }),
  z.strictObject({ type: z.literal('answer-question'), questionId: text, answer: questionAnswerSchema }),
  z.strictObject({ type: z.literal('set-controls'), controls: controlsSchema }),
  z.strictObject({ type: z.literal('rewind'), beforeTurnId: text }),
  z.strictObject({ type: z.literal('fork') }),
  z.strictObject({ type: z.literal('compact') }),
  z.strictObject({
    type: z.literal('review'),
    target: z.discriminatedUnion('type', [
      z.strictObject({ type: z.literal('uncommitted-changes') }),
      z.strictObject({ type: z.literal('base-branch'), branch: text }),
      z.strictObject({ type: z.literal('commit'), sha: z.string().regex(/^[0-9a-fA-F]{4,64}$/) }),
      z.strictObject({ type: z.literal('instructions'), text }),
    ]),
  }),
  z.strictObject({
    type: z.literal('set-goal'),
    objective: text,
    tokenBudget: z.int().positive().exactOptional(),
  }),
  z.strictObject({ type: z.literal('clear-goal') }),
  z.strictObject({ type: z.literal('rename'), name: text.max(256) }),
  z.strictObject({ type: z.literal('archive') }),
  z.strictObject({ type: z.literal('end-background') }),
  z.strictObject({
    type: z.literal('upload-done'),
    // It is told to the agent in a line of its own.
    path: z.string().regex(/^[^\p{Cc}]+$/u, 'a path without control characters'),
    size: z.int().nonnegative(),
  }),
  z.strictObject({ type: z.literal('close') }),
]);

const submissionSchema: z.ZodType<Submission> = z.strictObject({ id: text.max(128), op: opSchema });

/**
 * Checks what a client sent. Strict: an unknown member is an error, since a misspelt one would otherwise do nothing.
 * @throws {ConversationProtocolError} `invalid-submission`; the message names the member.
 */
export function parseSubmission(input: unknown): Submission {
  const result = submissionSchema.safeParse(input);
  if (result.success) return result.data;
  throw new ConversationProtocolError(
    'invalid-submission',
    `Not a submission: ${z.prettifyError(result.error)}`,
  );
}
