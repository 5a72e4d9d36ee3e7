import type { BenchContext, BenchResult } from '@seedbed/bench';
import { beforeAll, describe, expect, it } from 'vitest';
import { measureEvents } from '../bench/conversation-events.bench.ts';
import { measureMemory } from '../bench/conversation-memory.bench.ts';
import { measureStart } from '../bench/conversation-start.bench.ts';
import { measureStartThroughSsh } from '../bench/task-start-ssh.bench.ts';
import { measureTurnsBesideSnapshots } from '../bench/turns-beside-snapshots.bench.ts';
import { codexBinary, downloadTimeout } from './codex-binaries.ts';

const context: BenchContext = { signal: new AbortController().signal, progress: () => {} };
const once = { rounds: 1, warmUp: 0 };

function names(
  results: readonly BenchResult[],
  beside = 'codex app-server 0.169.0, bare',
): readonly string[] {
  for (const { ours, alternative, ratio } of results) {
    expect([ours, alternative.value, ratio]).not.toContain(Number.NaN);
    expect(alternative.name).toBe(beside);
  }
  return results.map(({ name, unit }) => `${name} (${unit})`);
}

describe('the measurements, each made once', { timeout: 120_000 }, () => {
  beforeAll(() => codexBinary('0.169.0'), downloadTimeout);

  it('give the time to the first event', async () => {
    const results = await measureStart(context, once);
    expect(names(results)).toEqual([
      'first event, task home used before (ms)',
      'first event, task home used before, binary from the cache (ms)',
      'first event, new task home (ms)',
    ]);
    for (const { ours, alternative } of results) expect(Math.min(ours, alternative.value)).toBeGreaterThan(0);
  });

  it('give the time to the first event through SSH', async () => {
    const results = await measureStartThroughSsh(context, once);
    expect(names(results, 'the same without SSH')).toEqual([
      'warm start: host connected, task home used before (ms)',
      'cold start: host not connected, new task home (ms)',
    ]);
    for (const { ours, alternative } of results) expect(Math.min(ours, alternative.value)).toBeGreaterThan(0);
  });

  it('give the rate of events and how long one is under way', async () => {
    const results = await measureEvents(context, { ...once, deltas: 50, trickled: 20 });
    expect(names(results)).toEqual([
      'rate of 50 deltas (events/s)',
      "rate of 50 deltas, recorded, at the pipe's pace (events/s)",
      'written to read, p50 (ms)',
      'written to read, p99 (ms)',
    ]);
    for (const { ours, alternative } of results) expect(Math.min(ours, alternative.value)).toBeGreaterThan(0);
  });

  it('give the memory of an idle conversation', async () => {
    expect(names(await measureMemory(context, { rounds: 1, conversations: 1 }))).toEqual([
      'heap per idle conversation (MB)',
      'resident memory per idle conversation (MB)',
    ]);
  });

  it('give the time of a turn beside snapshots', async () => {
    const results = await measureTurnsBesideSnapshots(context, { ...once, turns: 2, files: 20 });
    expect(names(results, 'the same without snapshots')).toEqual([
      'turn, each saved at once (ms)',
      'turn, each saved at once; processor time of this program (ms)',
      'turn, saved when it is quiet (ms)',
      'turn, saved when it is quiet; processor time of this program (ms)',
    ]);
    for (const { ours, alternative } of results) expect(Math.min(ours, alternative.value)).toBeGreaterThan(0);
  });

  it('stop when they are told to', async () => {
    const stopped = { ...context, signal: AbortSignal.abort(new Error('enough')) };
    await expect(measureStart(stopped, once)).rejects.toThrow('enough');
  });
});
