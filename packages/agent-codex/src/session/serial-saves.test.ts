import type { EndState, SavedSnapshot } from '@seedbed/snapshots';
import { expect, it } from 'vitest';
import { createSerialSaves } from './serial-saves.ts';

function heldSaves() {
  const begun: { readonly endState: EndState; readonly done: PromiseWithResolvers<SavedSnapshot> }[] = [];
  const saves = createSerialSaves((endState) => {
    const done = Promise.withResolvers<SavedSnapshot>();
    begun.push({ endState, done });
    return done.promise;
  });
  const settle = (): Promise<void> => new Promise(setImmediate);
  return { saves, begun, settle };
}

const saved = { leftOut: [], unstable: [] } as Partial<SavedSnapshot> as SavedSnapshot;

it('makes one snapshot at a time, and one for all who ask while it waits to begin', async () => {
  const { saves, begun, settle } = heldSaves();
  const first = saves.save('checkpoint');
  await settle();
  const [second, third] = [saves.save('checkpoint'), saves.save('checkpoint')];
  await settle();
  expect(begun).toHaveLength(1);
  begun[0]?.done.resolve(saved);
  await first;
  await settle();
  expect(begun).toHaveLength(2);
  begun[1]?.done.resolve(saved);
  expect(await second).toBe(await third);
});

it('makes the last one behind a failure, as what it is', async () => {
  const { saves, begun, settle } = heldSaves();
  const first = saves.save('checkpoint');
  const last = saves.save('done');
  await settle();
  begun[0]?.done.reject(new Error('The store does not answer.'));
  await expect(first).rejects.toThrow('does not answer');
  await settle();
  begun[1]?.done.resolve(saved);
  await last;
  expect(begun.map(({ endState }) => endState)).toEqual(['checkpoint', 'done']);
});
