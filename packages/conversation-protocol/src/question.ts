import { z } from 'zod';

export interface QuestionOption {
  readonly label: string;
  readonly description?: string;
}

export interface Question {
  readonly id: string;
  readonly header: string;
  readonly text: string;
  readonly options: readonly QuestionOption[];
  /** Free text is welcome beside the options. */
  readonly allowOther: boolean;
  /** The answer must not be shown or logged. */
  readonly secret: boolean;
}

/** What the agent, or a tool that it uses, wants to know. */
export type QuestionSubject =
  | { readonly type: 'questions'; readonly questions: readonly Question[] }
  /** A tool server asks through the agent (an MCP elicitation). `schema` is a flat JSON schema of the wanted content. */
  | {
      readonly type: 'form';
      readonly server: string;
      readonly message: string;
      readonly schema: Readonly<Record<string, unknown>>;
    }
  /** A tool server wants the person to visit an address. Show it; never open it unasked. */
  | { readonly type: 'visit'; readonly server: string; readonly message: string; readonly url: string };

export interface QuestionRequest {
  readonly questionId: string;
  readonly turnId?: string;
  readonly subject: QuestionSubject;
  /** When an unanswered question is declined: milliseconds since the epoch, on the controller's clock. */
  readonly expiresAt: number;
}

/** `answers` fits `questions`, keyed by question id; `content` fits a form; `decline` and `cancel` fit any. */
export type QuestionAnswer =
  | { readonly type: 'answers'; readonly answers: Readonly<Record<string, readonly string[]>> }
  | {
      readonly type: 'content';
      readonly content: Readonly<Record<string, string | number | boolean | readonly string[]>>;
    }
  | { readonly type: 'decline' }
  | { readonly type: 'cancel' };

export const questionAnswerSchema: z.ZodType<QuestionAnswer> = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('answers'), answers: z.record(z.string(), z.array(z.string())) }),
  z.strictObject({
    type: z.literal('content'),
    content: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])),
  }),
  z.strictObject({ type: z.literal('decline') }),
  z.strictObject({ type: z.literal('cancel') }),
]);

export const questionRequestSchema: z.ZodType<QuestionRequest> = z.looseObject({
  questionId: z.string(),
  turnId: z.string().exactOptional(),
  subject: z.discriminatedUnion('type', [
    z.looseObject({
      type: z.literal('questions'),
      questions: z.array(
        z.looseObject({
          id: z.string(),
          header: z.string(),
          text: z.string(),
          options: z.array(z.looseObject({ label: z.string(), description: z.string().exactOptional() })),
          allowOther: z.boolean(),
          secret: z.boolean(),
        }),
      ),
    }),
    z.looseObject({
      type: z.literal('form'),
      server: z.string(),
      message: z.string(),
      schema: z.record(z.string(), z.unknown()),
    }),
    z.looseObject({ type: z.literal('visit'), server: z.string(), message: z.string(), url: z.string() }),
  ]),
  expiresAt: z.number(),
});
