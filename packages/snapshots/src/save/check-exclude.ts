import { createExclude } from '@seedbed/host';
import { SnapshotError } from '../snapshot-error.ts';

/** The globs, none of which names anything within the required paths. */
export function withoutRequired(exclude: readonly string[], required: readonly string[]): readonly string[] {
  return [...exclude, ...required.map((path) => `!${path}`)];
}

/** @throws {SnapshotError} `invalid-config` where a glob leaves out what must be in every snapshot, or a folder that holds it. */
export function refuseLostPaths(exclude: readonly string[], required: readonly string[]): void {
  for (const path of required) {
    const segments = path.split('/');
    const withParents = segments.map((_, at) => segments.slice(0, at + 1).join('/'));
    for (const glob of exclude) {
      const isExcluded = createExclude([glob]);
      if (!withParents.some((each) => isExcluded(each))) continue;
      throw new SnapshotError(
        'invalid-config',
        `exclude cannot hold ${JSON.stringify(glob)}: it leaves out ${path}, which every snapshot needs.`,
      );
    }
  }
}
