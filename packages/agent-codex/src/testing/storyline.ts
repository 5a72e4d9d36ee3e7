import type { InputItem } from './model-input.ts';
import type { ModelRequest } from './model-request.ts';
import type { Reply, ReplyCondition, RequestPurpose, Story } from './story.ts';
import type { Step } from './story-step.ts';

/** What is answered, and who decided it: a reply of the story, its `otherwise`, or the answer that fits the purpose. */
export interface ChosenReply {
  readonly steps: readonly Step[];
  readonly from: 'story' | 'otherwise' | 'purpose';
}

/** Chooses the reply to each request. A reply counts as used when it is chosen, however its delivery ends. */
export function createStoryline(story: Story): { next(request: ModelRequest): ChosenReply } {
  const runs = new Map<string, Map<Reply, number>>();
  return {
    next(request) {
      // A review or a subagent has a thread of its own but belongs to the conversation that began it.
      const thread = request.parentThreadId ?? request.threadId ?? '';
      const key = story.run === 'shared' ? '' : thread;
      const used = runs.get(key) ?? new Map<Reply, number>();
      runs.set(key, used);
      const reply = story.replies.find(
        (candidate) =>
          (candidate.purpose ?? 'turn') === request.purpose &&
          (used.get(candidate) ?? 0) < allowance(candidate) &&
          holds(candidate.when ?? {}, request),
      );
      if (reply !== undefined) {
        used.set(reply, (used.get(reply) ?? 0) + 1);
        return { steps: reply.steps, from: 'story' };
      }
      return request.purpose === 'turn' && story.otherwise
        ? { steps: story.otherwise, from: 'otherwise' }
        : { steps: fitting(request.purpose), from: 'purpose' };
    },
  };
}

function allowance(reply: Reply): number {
  return reply.times === 'always' ? Number.POSITIVE_INFINITY : (reply.times ?? 1);
}

function holds(when: ReplyCondition, request: ModelRequest): boolean {
  const last = request.input.at(-1);
  const output = last?.type === 'tool-output' ? last : undefined;
  const user = request.input.findLast((item) => item.type === 'message' && item.author === 'user');
  return (
    (when.model === undefined || request.model === when.model) &&
    (when.lastUserText === undefined || (user !== undefined && textOf(user).includes(when.lastUserText))) &&
    (when.afterTool === undefined || (output?.author === 'tool' && output.name === when.afterTool)) &&
    (when.lastToolOutput === undefined || output?.text.includes(when.lastToolOutput) === true) &&
    (when.anyText === undefined || mentions(request, when.anyText))
  );
}

function mentions(request: ModelRequest, part: string): boolean {
  return request.instructions.includes(part) || request.input.some((item) => textOf(item).includes(part));
}

function textOf(item: InputItem): string {
  if (item.type === 'tool-call') return item.input;
  return item.type === 'other' ? '' : item.text;
}

/** What keeps Codex going when the story does not care. */
function fitting(purpose: RequestPurpose): readonly Step[] {
  switch (purpose) {
    case 'turn':
      return [{ type: 'say', text: 'The story has no further reply.' }];
    case 'compact':
      return [{ type: 'say', text: 'Summary of the conversation so far.' }];
    case 'review':
      return [{ type: 'say', text: JSON.stringify(cleanReview) }];
    case 'auto-review':
      return [{ type: 'say', text: JSON.stringify(approvingAssessment) }];
    case 'subagent':
      return [{ type: 'say', text: 'Done.' }];
    case 'other':
      return [{ type: 'say', text: 'Untitled' }];
  }
}

const cleanReview = {
  findings: [],
  overall_correctness: 'patch is correct',
  overall_explanation: 'Nothing to remark.',
  overall_confidence_score: 1,
};

const approvingAssessment = {
  risk_level: 'low',
  user_authorization: 'high',
  outcome: 'allow',
  rationale: 'The story has no opinion.',
};
