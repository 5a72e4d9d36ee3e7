import { createHash } from 'node:crypto';
import type { TaskFacts } from './task-facts.ts';

/** What the caller tells the agent in words. */
export interface CallerTexts {
  /** For AGENTS.md. */
  readonly brief: string | undefined;
  readonly instructions: string | undefined;
}

/** What of it the agent was told by an earlier session, by digest. */
export type ToldDigests = Pick<TaskFacts, 'briefDigest' | 'instructionsDigest'>;

export interface ToldTexts {
  /** With this session. What the caller does not say anew stays as it was. */
  readonly digests: ToldDigests;
  readonly briefChanged: boolean;
  /** Where they are others than those of the thread so far. */
  readonly newInstructions: string | undefined;
}

/** Compares what the caller says with what earlier sessions have told; `before` is `undefined` for a task that begins. */
export function compareTexts(
  { brief, instructions }: CallerTexts,
  before: ToldDigests | undefined,
): ToldTexts {
  const briefDigest = brief === undefined ? before?.briefDigest : digestOf(brief);
  const instructionsDigest = instructions === undefined ? before?.instructionsDigest : digestOf(instructions);
  return {
    digests: {
      ...(briefDigest === undefined ? {} : { briefDigest }),
      ...(instructionsDigest === undefined ? {} : { instructionsDigest }),
    },
    briefChanged: before !== undefined && before.briefDigest !== briefDigest,
    newInstructions:
      before !== undefined && before.instructionsDigest !== instructionsDigest ? instructions : undefined,
  };
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
