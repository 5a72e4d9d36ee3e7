import type { PathList } from '../compact/path-list.ts';
import { identitiesOfFiles, type ListedEntry } from './listed-entries.ts';

/** By the identity of each file that has several names, where these stand in a listing. */
export type SeveralNames = ReadonlyMap<string, readonly number[]>;

/** How many different numbers a float tells apart, as bits. */
const EXACT_BITS = 53;
const HASH_BITS = 32;

/** Few files have several names, so that only those are kept by their identity. The others are told apart by hashes, side by side once these are sorted. */
export function filesOfSeveralNames(listed: PathList<ListedEntry>): SeveralNames {
  const room = 2 ** Math.ceil(Math.log2(listed.length + 1));
  const hashes = Math.min(2 ** HASH_BITS, 2 ** EXACT_BITS / room);
  const sorted = new Float64Array(listed.length);
  let files = 0;
  let position = 0;
  for (const identity of identitiesOfFiles(listed)) {
    if (identity !== undefined) {
      sorted[files] = (hashOf(identity) % hashes) * room + position;
      files += 1;
    }
    position += 1;
  }
  const names = new Map<string, number[]>();
  for (const alike of runs(sorted.subarray(0, files).sort(), room)) {
    const identities = new Map<string, number[]>();
    for (const at of alike) {
      const { identity = '' } = listed.at(at)?.stat ?? {};
      const others = identities.get(identity);
      if (others === undefined) identities.set(identity, [at]);
      else others.push(at);
    }
    for (const [identity, all] of identities) if (all.length > 1) names.set(identity, all);
  }
  return names;
}

/** The positions of those that have one hash, where there are several. */
function* runs(sorted: Float64Array, room: number): Generator<readonly number[]> {
  let hash = -1;
  let run: number[] = [];
  for (const each of sorted) {
    const next = Math.floor(each / room);
    if (next !== hash) {
      if (run.length > 1) yield run;
      run = [];
      hash = next;
    }
    run.push(each % room);
  }
  if (run.length > 1) yield run;
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
