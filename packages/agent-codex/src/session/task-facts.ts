import type { Json, ShownSnapshot } from '@seedbed/snapshots';
import { z } from 'zod';
import { AgentCodexError } from '../agent-codex-error.ts';

/** What a snapshot knows of a Codex task beside its files: all that a resume has to restore. */
export interface TaskFacts {
  readonly agent: 'codex';
  /** Absent while the thread had no turn: then there is nothing of it to resume. */
  readonly threadId?: string;
  /** The newest that touched the thread: an older one would make it unreadable. */
  readonly codexVersion: string;
  readonly model?: string;
  readonly effort?: string;
  /** As the caller gave it. */
  readonly sandbox: Json;
  /** Of the text of AGENTS.md. */
  readonly briefDigest?: string;
  /** Of the caller's instructions. */
  readonly instructionsDigest?: string;
}

const json: z.ZodType<Json> = z.json();

const factsSchema: z.ZodType<TaskFacts> = z.looseObject({
  agent: z.literal('codex'),
  threadId: z.guid().exactOptional(),
  codexVersion: z.string().regex(/^\d+\.\d+\.\d+/),
  model: z.string().exactOptional(),
  effort: z.string().exactOptional(),
  sandbox: json,
  briefDigest: z.string().exactOptional(),
  instructionsDigest: z.string().exactOptional(),
});

/** @throws {AgentCodexError} `invalid-snapshot` for a snapshot that no session of this package made. */
export function parseTaskFacts({ facts, snapshot }: ShownSnapshot, task: string): TaskFacts {
  const parsed = factsSchema.safeParse(facts);
  if (parsed.success) return parsed.data;
  throw new AgentCodexError(
    'invalid-snapshot',
    `Snapshot ${snapshot.number} of ${JSON.stringify(task)} does not say which thread it belongs to: ${z.prettifyError(parsed.error)}. Restore its files, and begin a task of another name.`,
  );
}

/** @returns `undefined` for what no session of this package has written. */
export function factsIn(value: unknown): TaskFacts | undefined {
  return factsSchema.safeParse(value).data;
}

/** What the caller's settings may hold in a snapshot: plain data. */
export function asJson(value: unknown): Json {
  return json.parse(JSON.parse(JSON.stringify(value ?? {})));
}

export function factsAsJson(facts: TaskFacts): Json {
  return asJson(facts);
}
