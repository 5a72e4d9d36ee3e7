import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { awaitTurn } from './await-turn.ts';
import type { SessionContext } from './session-context.ts';
import type { TurnResult } from './turn-tracker.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it.each([2 ** 31, Number.POSITIVE_INFINITY])('gives a turn all of %d ms', async (deadlineMs) => {
  const explained: unknown[] = [];
  const turns = { explain: (failure: unknown) => void explained.push(failure) };
  const context = { turns } as Partial<Omit<SessionContext, 'turns'>> & {
    turns: Pick<SessionContext['turns'], 'explain'>;
  } as SessionContext;
  const { promise: result, resolve } = Promise.withResolvers<TurnResult>();
  const turn = { started: Promise.resolve('turn-1'), result };
  const ended = awaitTurn(context, turn, { signal: undefined, deadlineMs });
  await vi.advanceTimersByTimeAsync(24 * 60 * 60 * 1000);
  expect(explained).toEqual([]);
  resolve({ turnId: 'turn-1', outcome: { status: 'completed' } });
  expect(await ended).toMatchObject({ outcome: { status: 'completed' } });
});
