import { z } from 'zod';
import { ScriptedModelError } from './scripted-model-error.ts';
import { type Step, stepSchema } from './story-step.ts';

/**
 * Why Codex asks the model: a turn of the conversation, a summary of it (`/compact`, or by itself when the context is full), a code review
 * (`review/start`), the judgement of an approval by a second model (`approvalsReviewer: 'auto_review'`), a subagent's turn,
 * or anything else (titles, memories).
 */
export type RequestPurpose = 'turn' | 'compact' | 'review' | 'auto-review' | 'subagent' | 'other';

/** All that is given must hold. Texts are looked for as parts, case and all. */
export interface ReplyCondition {
  /** In the last thing that the user said. */
  readonly lastUserText?: string;
  /** Anywhere in what Codex sends: messages, tool outputs, instructions. */
  readonly anyText?: string;
  /** The last thing in the request is the output of this tool (`exec_command`, `apply_patch`, `request_user_input`, …). */
  readonly afterTool?: string;
  /** In that output; only where the last thing is one. */
  readonly lastToolOutput?: string;
  readonly model?: string;
}

/** What the model answers to one request. A reply without `fail`, `hang`, `cut` or `end` is completed by itself. */
export interface Reply {
  readonly steps: readonly Step[];
  /** Default `turn`. */
  readonly purpose?: RequestPurpose;
  /** Taken only when this holds; skipped, and kept for later, when not. */
  readonly when?: ReplyCondition;
  /** How often it may be taken: once by default. Codex asks again after most failures, so a lasting one is `'always'`. */
  readonly times?: number | 'always';
}

/**
 * What a model will answer, as data that survives JSON. For each request of Codex the first reply is taken that has the request's purpose,
 * is not used up and whose condition holds; after the last one it is `otherwise`.
 */
export interface Story {
  readonly replies: readonly Reply[];
  /** For turns that no reply is left for. Default: one sentence that says so. Other purposes have fitting answers of their own. */
  readonly otherwise?: readonly Step[];
  /** `per-thread` (the default): each conversation hears the story from its beginning. `shared`: all take from one. */
  readonly run?: 'per-thread' | 'shared';
}

const purpose = z.enum(['turn', 'compact', 'review', 'auto-review', 'subagent', 'other']);

const condition = z.strictObject({
  lastUserText: z.string().exactOptional(),
  anyText: z.string().exactOptional(),
  afterTool: z.string().exactOptional(),
  lastToolOutput: z.string().exactOptional(),
  model: z.string().exactOptional(),
});

const last: ReadonlySet<Step['type']> = new Set(['fail', 'hang', 'cut', 'end']);

const steps = z.array(stepSchema).superRefine((list, context) => {
  list.forEach((step, index) => {
    if (last.has(step.type) && index !== list.length - 1) {
      context.addIssue({
        code: 'custom',
        path: [index],
        message: `"${step.type}" ends a reply: nothing can follow it`,
      });
    }
    const first =
      (step.type === 'fail' && step.status !== undefined) || (step.type === 'hang' && step.headers === false);
    if (first && list.slice(0, index).some((before) => before.type !== 'hold' && before.type !== 'wait')) {
      context.addIssue({
        code: 'custom',
        path: [index],
        message:
          'an HTTP status is sent before any output: only "hold" and "wait" can stand before this step',
      });
    }
  });
});

const reply: z.ZodType<Reply> = z.strictObject({
  steps,
  purpose: purpose.exactOptional(),
  when: condition.exactOptional(),
  times: z.union([z.number().int().min(1), z.literal('always')]).exactOptional(),
});

const storySchema: z.ZodType<Story> = z.strictObject({
  replies: z.array(reply),
  otherwise: steps.exactOptional(),
  run: z.enum(['per-thread', 'shared']).exactOptional(),
});

/**
 * Checks a story that comes from outside (a file, a request).
 * @throws {ScriptedModelError} `invalid-story`, with the place of each mistake.
 */
export function parseStory(value: unknown): Story {
  const parsed = storySchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ScriptedModelError(
    'invalid-story',
    `The story cannot be told as it is written; correct these places:\n${z.prettifyError(parsed.error)}`,
    { cause: parsed.error },
  );
}
