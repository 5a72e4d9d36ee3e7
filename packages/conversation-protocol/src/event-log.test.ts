import { describe, expect, it } from 'vitest';
import { createEventLog, type EventMessage } from './index.ts';

const warning = (message: string): EventMessage => ({ type: 'warning', message });

async function seqs(events: AsyncIterable<{ seq: number }>): Promise<number[]> {
  const seen: number[] = [];
  for await (const event of events) seen.push(event.seq);
  return seen;
}

describe('an event log', () => {
  it('numbers events from 1 without a gap and keeps the submission that caused them', () => {
    const log = createEventLog(() => 7);
    expect(log.append(warning('a'))).toEqual({ seq: 1, at: 7, msg: warning('a') });
    expect(log.append(warning('b'), 'sub-1')).toEqual({ seq: 2, at: 7, id: 'sub-1', msg: warning('b') });
    expect(log.lastSeq).toBe(2);
  });

  it('gives every reader everything from where it starts, early or late', async () => {
    const log = createEventLog();
    log.append(warning('a'));
    const early = seqs(log.read());
    log.append(warning('b'));
    const late = seqs(log.read({ fromSeq: 2 }));
    await Promise.resolve();
    log.append(warning('c'));
    log.close();
    expect(await early).toEqual([1, 2, 3]);
    expect(await late).toEqual([2, 3]);
    expect(await seqs(log.read({ fromSeq: 99 }))).toEqual([]);
  });

  it('lets a reader go by its signal while it waits', async () => {
    const log = createEventLog();
    const stop = new AbortController();
    const reading = seqs(log.read({ signal: stop.signal }));
    log.append(warning('a'));
    await new Promise(setImmediate);
    stop.abort();
    expect(await reading).toEqual([1]);
  });

  it('goes on behind what earlier sessions have logged', async () => {
    const before = createEventLog(() => 7);
    before.append(warning('a'));
    before.append(warning('b'));
    const log = createEventLog(() => 9, before.since(1));
    expect(log.append(warning('c'))).toEqual({ seq: 3, at: 9, msg: warning('c') });
    log.close();
    expect(await seqs(log.read())).toEqual([1, 2, 3]);
    expect(before.lastSeq).toBe(2);
    expect(() => createEventLog(() => 9, before.since(2))).toThrow(expect.objectContaining({ code: 'gap' }));
  });

  it('refuses to grow once it is closed', () => {
    const log = createEventLog();
    log.close();
    expect(() => log.append(warning('late'))).toThrow(TypeError);
  });
});
