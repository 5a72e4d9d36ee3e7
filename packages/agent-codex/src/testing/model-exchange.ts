import type { ModelRequest } from './model-request.ts';
import type { ReplyOutcome } from './reply-player.ts';
import type { Step } from './story-step.ts';

/** A request and what it was answered. */
export interface ModelExchange {
  readonly request: ModelRequest;
  readonly steps: readonly Step[];
  /** Who decided: a reply of the story, its `otherwise`, or the answer that fits the purpose. */
  readonly from: 'story' | 'otherwise' | 'purpose';
  /** `under-way` until the reply has ended. */
  readonly outcome: ReplyOutcome | 'under-way';
}
