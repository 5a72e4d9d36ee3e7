import type { HostConnection, HostListener } from './host.ts';
import type { HostError } from './host-error.ts';

/** A connection that came, and that nobody has taken yet. */
export interface WaitingConnection {
  /** `undefined` when it is gone meanwhile. */
  take(): HostConnection | undefined;
  turnAway(): void;
}

/** As many as a kernel keeps for a listener at the most, by default. */
const MAX_WAITING = 1_024;

/** The connections of one listener, in the order in which they came. */
export interface WaitingConnections {
  readonly connections: HostListener['connections'];
  add(connection: WaitingConnection): void;
  /** Turns away who waits, and whoever comes later. With a cause it is a failure, else the end. */
  end(cause?: HostError): void;
}

export function createWaitingConnections(): WaitingConnections {
  const waiting: WaitingConnection[] = [];
  const takers: (() => void)[] = [];
  let ending: { readonly cause: HostError | undefined } | undefined;
  const next = async (): Promise<IteratorResult<HostConnection, undefined>> => {
    for (;;) {
      const connection = waiting.shift()?.take();
      if (connection !== undefined) return { done: false, value: connection };
      if (waiting.length > 0) continue;
      if (ending !== undefined) {
        if (ending.cause !== undefined) throw ending.cause;
        return { done: true, value: undefined };
      }
      await new Promise<void>((resolve) => takers.push(resolve));
    }
  };
  return {
    connections: { [Symbol.asyncIterator]: () => ({ next }) },
    add(connection) {
      if (ending !== undefined || waiting.length >= MAX_WAITING) return connection.turnAway();
      waiting.push(connection);
      takers.shift()?.();
    },
    end(cause) {
      ending ??= { cause };
      for (const connection of waiting.splice(0)) connection.turnAway();
      for (const wake of takers.splice(0)) wake();
    },
  };
}
