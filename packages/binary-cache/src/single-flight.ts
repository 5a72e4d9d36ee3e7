import { BinaryCacheError } from './binary-cache-error.ts';
import type { BinaryProgress } from './binary-source.ts';

type Work<T> = (signal: AbortSignal, report: (progress: BinaryProgress) => void) => Promise<T>;

export interface FlightOptions {
  readonly signal?: AbortSignal | undefined;
  readonly report?: ((progress: BinaryProgress) => void) | undefined;
}

/**
 * Runs one piece of work for all who ask for the same key while it is under way. Progress goes to all of them.
 * Who aborts leaves alone; the work is aborted when nobody is left.
 */
export interface SingleFlight<T> {
  run(key: string, work: Work<T>, options: FlightOptions): Promise<T>;
}

interface Flight<T> {
  readonly result: Promise<T>;
  readonly controller: AbortController;
  readonly listeners: Set<(progress: BinaryProgress) => void>;
  passengers: number;
}

export function createSingleFlight<T>(): SingleFlight<T> {
  const flights = new Map<string, Flight<T>>();

  const start = (key: string, work: Work<T>): Flight<T> => {
    const controller = new AbortController();
    const listeners = new Set<(progress: BinaryProgress) => void>();
    const result = work(controller.signal, (progress) => {
      for (const listener of listeners) listener(progress);
    }).finally(() => {
      if (flights.get(key)?.controller === controller) flights.delete(key);
    });
    // Everybody may have left by the time that it fails.
    result.catch(() => undefined);
    const flight = { result, controller, listeners, passengers: 0 };
    flights.set(key, flight);
    return flight;
  };

  return {
    run: async (key, work, { signal, report }) => {
      throwIfAborted(signal);
      const flight = flights.get(key) ?? start(key, work);
      flight.passengers += 1;
      const left = Promise.withResolvers<never>();
      const leave = (): void => left.reject(abortedError(signal));
      const listener = (progress: BinaryProgress): void => {
        try {
          report?.(progress);
        } catch (error) {
          // Whoever fails to listen fails alone.
          left.reject(error);
        }
      };
      flight.listeners.add(listener);
      signal?.addEventListener('abort', leave, { once: true });
      try {
        return await Promise.race([flight.result, left.promise]);
      } finally {
        signal?.removeEventListener('abort', leave);
        flight.listeners.delete(listener);
        flight.passengers -= 1;
        if (flight.passengers === 0) {
          if (flights.get(key) === flight) flights.delete(key);
          flight.controller.abort(abortedError(signal));
        }
      }
    },
  };
}

export function abortedError(signal: AbortSignal | undefined): BinaryCacheError {
  if (signal?.reason instanceof BinaryCacheError) return signal.reason;
  return new BinaryCacheError('aborted', 'Getting the binary was aborted.', { cause: signal?.reason });
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortedError(signal);
}
