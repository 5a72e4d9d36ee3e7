import { createLocalHost } from '@seedbed/host/local';
import { placeOf } from './plant-seed.ts';
import type { ReachPlace } from './seed-context.ts';

/** Only this machine. */
export const reachThisMachine: ReachPlace = (place) => {
  const host = createLocalHost();
  return place === placeOf(host) ? host : undefined;
};
