import {
  type ConversationState,
  createEventLog,
  type EventLog,
  type EventMessage,
  initialConversationState,
  reduceConversation,
} from '@seedbed/conversation-protocol';
import type { Quota } from '@seedbed/seeds';
import { expect, test } from 'vitest';
import { AgentCodexError } from '../agent-codex-error.ts';
import type { RateLimits } from '../conversation/operations/rate-limits.ts';
import { followQuota } from './session-quota.ts';

const turnEnd: EventMessage = { type: 'turn-completed', turnId: 'turn-1', outcome: { status: 'completed' } };

const quotaOf = (usedPercent: number): Quota => ({ windows: [{ label: '5 h', usedPercent }], takenMs: 0 });

/** A conversation of which the log is real, with a login of which more is used each time that it is asked about. */
function openPlace(failures: readonly number[] = []) {
  const log: EventLog = createEventLog(Date.now);
  const noted: Quota[] = [];
  let asked = 0;
  const rateLimits = async (): Promise<RateLimits> => {
    asked += 1;
    if (failures.includes(asked)) throw new AgentCodexError('agent-error', 'There is no login.');
    return { windows: [], reached: false, quota: quotaOf(asked) };
  };
  const state = (): ConversationState => log.since(1).reduce(reduceConversation, initialConversationState);
  return {
    log,
    noted,
    asked: () => asked,
    conversation: { events: log.read, rateLimits, state },
    record: async (quota: Quota) => void noted.push(quota),
  };
}

test('what is left is noted at the start, and again after turns', async () => {
  const { conversation, log, noted, record } = openPlace();
  await using _follower = followQuota(conversation, { record, everyMs: 1 });
  await expect.poll(() => noted).toEqual([quotaOf(1)]);
  log.append(turnEnd);
  await expect.poll(() => noted).toEqual([quotaOf(1), quotaOf(2)]);
});

test('it is asked for once, however much happens in a while', async () => {
  const { asked, conversation, log, noted, record } = openPlace();
  await using _follower = followQuota(conversation, { record, everyMs: 3_600_000 });
  await expect.poll(() => noted).toHaveLength(1);
  for (let turn = 0; turn < 100; turn += 1) log.append(turnEnd);
  await new Promise(setImmediate);
  expect(asked()).toBe(1);
});

test("a failure of Codex or of the store is nobody's business, and the next turn asks again", async () => {
  const { asked, conversation, log, noted, record } = openPlace([1]);
  let isAway = true;
  await using _follower = followQuota(conversation, {
    everyMs: 1,
    async record(quota) {
      if (isAway) throw new Error('The store is away.');
      await record(quota);
    },
  });
  await expect.poll(asked).toBe(1);
  log.append(turnEnd);
  await expect.poll(asked).toBe(2);
  isAway = false;
  log.append(turnEnd);
  await expect.poll(() => noted).toEqual([quotaOf(3)]);
});

test('it ends with the conversation, and at once when nobody follows any more', async () => {
  const { conversation, log, record } = openPlace();
  const follower = followQuota(conversation, { record, everyMs: 3_600_000 });
  await follower[Symbol.asyncDispose]();
  const other = followQuota(conversation, { record, everyMs: 3_600_000 });
  log.close();
  await other[Symbol.asyncDispose]();
});
