import type { EndState, SavedSnapshot } from '@seedbed/snapshots';

/** Snapshots of one task, one after the other. */
export interface SerialSaves {
  /** A save that begins after this call; what asks while one waits to begin shares it. */
  save(endState: EndState): Promise<SavedSnapshot>;
}

export function createSerialSaves(save: (endState: EndState) => Promise<SavedSnapshot>): SerialSaves {
  let running: Promise<unknown> = Promise.resolve();
  let waiting: { readonly endState: EndState; readonly result: Promise<SavedSnapshot> } | undefined;

  return {
    save(endState) {
      if (waiting?.endState === endState) return waiting.result;
      const before = running;
      const result = before.then(() => {
        if (waiting?.result === result) waiting = undefined;
        return save(endState);
      });
      waiting = { endState, result };
      running = result.catch(() => undefined);
      return result;
    },
  };
}
