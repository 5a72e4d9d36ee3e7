import { RotatingOAuthError } from './rotating-oauth-error.ts';

/** Those who wait for a request, and answers that wait for a test. */
export interface OAuthWaits {
  /** Settles when the condition holds; it is looked at whenever something has changed. */
  until(condition: () => boolean): Promise<void>;
  changed(): void;
  /** Settles when the hold has been released, at once when it has been already. */
  held(name: string): Promise<void>;
  release(name: string): void;
  close(): void;
}

export function createOAuthWaits(): OAuthWaits {
  const waiting = new Set<{ readonly condition: () => boolean } & PromiseWithResolvers<void>>();
  const gates = new Map<string, PromiseWithResolvers<void>>();
  let closed = false;
  const closedError = (): RotatingOAuthError =>
    new RotatingOAuthError('closed', 'The OAuth server was closed before what was awaited came.');
  const gate = (name: string): PromiseWithResolvers<void> => {
    const known = gates.get(name) ?? Promise.withResolvers<void>();
    gates.set(name, known);
    return known;
  };
  return {
    async until(condition) {
      if (condition()) return;
      if (closed) throw closedError();
      const waiter = { condition, ...Promise.withResolvers<void>() };
      waiting.add(waiter);
      await waiter.promise.finally(() => waiting.delete(waiter));
    },
    changed() {
      for (const { condition, resolve } of waiting) if (condition()) resolve();
    },
    held: (name) => gate(name).promise,
    release: (name) => gate(name).resolve(),
    close() {
      closed = true;
      for (const { reject } of waiting) reject(closedError());
      for (const { resolve } of gates.values()) resolve();
    },
  };
}
