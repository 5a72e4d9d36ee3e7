import type { SettledBy } from '@seedbed/conversation-protocol';

/** What a desk does with one kind of question. */
export interface SettlementDeskOptions<Request, Answer> {
  /** Called before anybody is asked, so that what is pending is on record first. */
  announce(request: Request): void;
  /** Called exactly once for each request. */
  settled(request: Request, answer: Answer, by: SettledBy): void;
  /** Asked beside whoever else may answer; the first answer wins. A failure of it is reported and the request denied. */
  readonly handler?: (request: Request, options: { readonly signal: AbortSignal }) => Promise<Answer>;
  handlerFailed(request: Request, error: unknown): void;
  /** The answer that grants nothing. */
  readonly refusal: Answer;
  now(): number;
}

interface Pending<Request, Answer> {
  readonly request: Request;
  settle(answer: Answer, by: SettledBy): void;
}

/** What a timer can hold, in milliseconds: almost 25 days. */
const longestTimerMs = 2 ** 31 - 1;

/** Questions that wait for an answer, each with a deadline that ends in a refusal. Whoever answers first wins. */
export interface SettlementDesk<Request, Answer> extends Disposable {
  /** Asks, and resolves with the answer. Never rejects. */
  open(id: string, request: Request, expiresAt: number): Promise<Answer>;
  pending(id: string): Request | undefined;
  /** `false` when nothing with this id is pending. */
  settle(id: string, answer: Answer, by: SettledBy): boolean;
  /** Refuses everything that is pending; what is opened later is refused at once. */
  [Symbol.dispose](): void;
}

export function createSettlementDesk<Request, Answer>(
  options: SettlementDeskOptions<Request, Answer>,
): SettlementDesk<Request, Answer> {
  const open = new Map<string, Pending<Request, Answer>>();
  let disposed = false;

  function consult(id: string, request: Request, signal: AbortSignal): void {
    if (options.handler === undefined) return;
    const answering = Promise.try(options.handler, request, { signal });
    answering.then(
      (answer) => void settle(id, answer, 'client'),
      (error) => {
        if (!open.has(id)) return;
        options.handlerFailed(request, error);
        settle(id, options.refusal, 'policy');
      },
    );
  }

  function settle(id: string, answer: Answer, by: SettledBy): boolean {
    const found = open.get(id);
    found?.settle(answer, by);
    return found !== undefined;
  }

  return {
    open(id, request, expiresAt) {
      options.announce(request);
      if (disposed) {
        options.settled(request, options.refusal, 'close');
        return Promise.resolve(options.refusal);
      }
      return new Promise((resolve) => {
        const ended = new AbortController();
        const deadline = setTimeout(
          () => settle(id, options.refusal, 'deadline'),
          Math.min(Math.max(0, expiresAt - options.now()), longestTimerMs),
        );
        open.set(id, {
          request,
          settle(answer, by) {
            open.delete(id);
            clearTimeout(deadline);
            ended.abort();
            options.settled(request, answer, by);
            resolve(answer);
          },
        });
        consult(id, request, ended.signal);
      });
    },
    pending: (id) => open.get(id)?.request,
    settle,
    [Symbol.dispose]() {
      disposed = true;
      for (const id of [...open.keys()]) settle(id, options.refusal, 'close');
    },
  };
}
