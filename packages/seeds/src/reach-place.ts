import { createLocalHost } from '@seedbed/host/local';
import type { ReachPlace } from './seed-context.ts';

/** Only this machine. */
export const reachThisMachine: ReachPlace = (place) => {
  const host = createLocalHost();
  return place === host.label ? host : undefined;
};
