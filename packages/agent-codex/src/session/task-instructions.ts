import { sizeLimitInstructions } from './size-limit.ts';

const WHERE_THE_BRIEF_IS =
  'What you are to do in this task is written in the file AGENTS.md of your working directory. Read it before you begin, unless you have been shown what it says.';

export interface TaskInstructions {
  /** The caller's. */
  readonly instructions: string | undefined;
  readonly hasBrief: boolean;
  /** What a snapshot may hold in files. */
  readonly maxBytes: number | undefined;
}

/** What the agent is told beside the caller's instructions: Codex 0.169 shows it the AGENTS.md of a project only where that is trusted, and only the agent knows what can be made again. */
export function taskInstructions({ instructions, hasBrief, maxBytes }: TaskInstructions): string | undefined {
  const told = [
    ...(instructions === undefined ? [] : [instructions]),
    ...(hasBrief ? [WHERE_THE_BRIEF_IS] : []),
    ...(maxBytes === undefined ? [] : [sizeLimitInstructions(maxBytes)]),
  ];
  return told.length === 0 ? undefined : told.join('\n\n');
}
