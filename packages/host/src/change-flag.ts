/** Says that something changed, to one who waits; any number of changes before it looks are one. */
export interface ChangeFlag {
  readonly raise: () => void;
  /** Resolves once it was raised, or after so many milliseconds, and lowers it again. */
  readonly raised: (withinMs?: number) => Promise<void>;
}

export function createChangeFlag(): ChangeFlag {
  let up = false;
  let wake: (() => void) | undefined;
  return {
    raise() {
      up = true;
      wake?.();
    },
    async raised(withinMs) {
      if (!up) {
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        const timer = withinMs === undefined ? undefined : setTimeout(resolve, withinMs);
        await promise;
        clearTimeout(timer);
      }
      up = false;
    },
  };
}
