import { HostError } from '../../host-error.ts';
import type { SshLink } from './ssh-link.ts';

/** Whether a failure says no more than that the host cannot be reached, or does not answer, just now. It comes after a wait. */
export function isOutage(failure: unknown): boolean {
  return failure instanceof HostError && (failure.code === 'host-lost' || failure.code === 'timeout');
}

/**
 * Asks again while the host cannot be reached: for as long as it is tried to be reached, so that one that hangs is given up as well, or until nobody needs the answer.
 *
 * @throws {HostError} `host-lost` or `timeout` when that is over, and what else `ask` throws.
 */
export async function throughOutages<T>(
  link: SshLink,
  ask: () => Promise<T>,
  isOver: () => boolean = () => false,
): Promise<T> {
  const deadline = performance.now() + link.reconnectForMs;
  for (;;) {
    try {
      return await ask();
    } catch (failure) {
      const isGivenUp = link.lost.aborted || isOver() || performance.now() >= deadline;
      if (isGivenUp || !isOutage(failure)) throw failure;
    }
  }
}
