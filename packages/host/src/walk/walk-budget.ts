import type { FileStat } from '../host.ts';
import { HostError } from '../host-error.ts';
import type { HostPath } from '../host-path.ts';
import { checkCount } from '../option-values.ts';
import type { WalkOptions } from './walk-entry.ts';

const DEFAULT_MAX_DEPTH = 64;
const DEFAULT_MAX_ENTRIES = 100_000;

/** How much of a tree may be walked. Every method throws `limit-exceeded` when it is more. */
export interface WalkBudget {
  readonly maxDepth: number;
  readonly take: (stat: Pick<FileStat, 'kind' | 'size'>) => void;
  /** Of a folder that is so many folders below the root. */
  readonly descend: (depth: number) => void;
  readonly refuseMoreThan: (entries: number) => void;
}

export function createWalkBudget(root: HostPath, options: WalkOptions): WalkBudget {
  for (const option of ['maxDepth', 'maxEntries', 'maxBytes'] as const) checkCount(options[option], option);
  const maxDepth = options.maxDepth ?? DEFAULT_MAX_DEPTH;
  const maxEntries = options.maxEntries ?? DEFAULT_MAX_ENTRIES;
  const maxBytes = options.maxBytes ?? Number.POSITIVE_INFINITY;
  let entries = 0;
  let bytes = 0;
  const exceeded = (what: string): HostError =>
    new HostError('limit-exceeded', `Stopped to walk ${root}: more than ${what}.`);
  return {
    maxDepth,
    take({ kind, size }) {
      entries += 1;
      if (kind === 'file') bytes += size;
      if (entries > maxEntries) throw exceeded(`${maxEntries} entries`);
      if (bytes > maxBytes) throw exceeded(`${maxBytes} bytes`);
    },
    descend(depth) {
      if (depth >= maxDepth) throw exceeded(`${maxDepth} folders deep`);
    },
    refuseMoreThan(count) {
      if (entries + count > maxEntries) throw exceeded(`${maxEntries} entries`);
    },
  };
}
