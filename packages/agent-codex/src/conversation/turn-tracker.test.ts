import type { EventMessage } from '@seedbed/conversation-protocol';
import { describe, expect, it } from 'vitest';
import { AgentCodexError } from '../agent-codex-error.ts';
import { createTurnTracker } from './turn-tracker.ts';

const turn = (id: string, status = 'inProgress', error: unknown = null) => ({
  threadId: 't',
  turn: { id, status, error },
});

function tracker() {
  const log: EventMessage[] = [];
  return { log, turns: createTurnTracker((msg) => log.push(msg)) };
}

describe('a turn tracker', () => {
  it('binds a turn to whoever asked for it, and says how it ended', async () => {
    const { turns, log } = tracker();
    const expected = turns.expect('sub');
    turns.onStarted(turn('1'));
    expected.accepted('1');
    expect(turns.running).toBe('1');
    turns.observe({
      type: 'item-completed',
      turnId: '1',
      item: { kind: 'agent-message', itemId: 'm', status: 'completed', text: 'done' },
    });
    turns.onCompleted(turn('1', 'completed'));
    expect(await expected.result).toEqual({
      turnId: '1',
      outcome: { status: 'completed' },
      finalMessage: 'done',
    });
    expect(turns.running).toBeUndefined();
    expect(log.map((one) => one.type)).toEqual(['turn-started', 'turn-completed']);
  });

  it('is not misled by the id that 0.142 answers a second start with', async () => {
    const { turns } = tracker();
    turns.onStarted(turn('goal-turn'));
    expect(() => turns.expect('sub')).toThrow(AgentCodexError);
    turns.onCompleted(turn('goal-turn', 'completed'));
    const expected = turns.expect('sub');
    turns.onStarted(turn('running'));
    expected.accepted('never-starts');
    expect(await expected.started).toBe('running');
    turns.onCompleted(turn('running', 'completed'));
    expect((await expected.result).turnId).toBe('running');
  });

  it('goes by the answered id for a review, whose start names another', async () => {
    const { turns, log } = tracker();
    const expected = turns.expect('sub', { named: 'by-answer' });
    turns.onStarted(turn('inner'));
    expected.accepted('review');
    turns.onStarted(turn('inner'));
    expect(turns.running).toBe('review');
    turns.onCompleted(turn('review', 'completed'));
    expect((await expected.result).turnId).toBe('review');
    expect(log).toMatchObject([
      { type: 'turn-started', turnId: 'review' },
      { type: 'turn-completed', turnId: 'review' },
    ]);
  });

  it('tells turns that Codex starts by itself from those that were asked for', () => {
    const { turns, log } = tracker();
    turns.onStarted(turn('1'));
    expect(log).toMatchObject([{ type: 'turn-started', origin: 'agent' }]);
  });

  it('settles everybody when Codex is lost', async () => {
    const failure = { code: 'agent-lost', message: 'gone' } as const;
    const running = tracker();
    const expected = running.turns.expect('sub');
    running.turns.onStarted(turn('1'));
    running.turns.lose(failure);
    expect((await expected.result).outcome).toEqual({ status: 'failed', failure });

    const waiting = tracker();
    const never = waiting.turns.expect('sub');
    waiting.turns.lose(failure);
    await expect(never.result).rejects.toMatchObject({ code: 'agent-lost' });
    await expect(never.started).rejects.toMatchObject({ code: 'agent-lost' });
  });

  it('gives the tokens of the turn, not of the thread', async () => {
    const { turns } = tracker();
    const usage = (total: number) => ({ input: total, cachedInput: 0, output: 0, reasoning: 0, total });
    turns.observe({ type: 'usage-updated', usage: usage(100) });
    const expected = turns.expect(undefined);
    turns.onStarted(turn('1'));
    turns.observe({ type: 'usage-updated', usage: usage(130) });
    turns.onCompleted(turn('1', 'completed'));
    expect((await expected.result).usage).toEqual(usage(30));
  });

  it.each(['said while it runs', 'said before it has begun'] as const)(
    'keeps the reason for which a turn was interrupted: %s',
    async (when) => {
      const { turns } = tracker();
      const expected = turns.expect(undefined);
      const explain = (): void => turns.explain({ code: 'deadline', message: 'too long' });
      expected.accepted('1');
      if (when === 'said before it has begun') explain();
      turns.onStarted(turn('1'));
      if (when === 'said while it runs') explain();
      turns.onCompleted(turn('1', 'interrupted'));
      expect((await expected.result).outcome).toEqual({
        status: 'failed',
        failure: { code: 'deadline', message: 'too long' },
      });
      const next = turns.expect(undefined);
      turns.onStarted(turn('2'));
      turns.onCompleted(turn('2', 'completed'));
      expect((await next.result).outcome).toEqual({ status: 'completed' });
    },
  );
});
