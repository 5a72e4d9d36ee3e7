import { type Host, type HostPath, parentHostPath, run } from '@seedbed/host';
import { SnapshotError } from '../snapshot-error.ts';
import type { StagingPlace } from './staging-place.ts';

const OTHERS_MAY_WRITE = 0o022;

/**
 * In a folder that others may write to as well (`/tmp`), somebody else can be first to make the place of a restore, and let us put a task's files there, or
 * take theirs for ours. To be asked once it is there, before anything in it counts.
 *
 * @throws {SnapshotError} `refused-entry` where it is a link, or another user's, or open to others. @throws {HostError}
 */
export async function refuseForeignPlace(
  host: Host,
  { container, tree, aside }: StagingPlace,
): Promise<void> {
  const parent = parentHostPath(container);
  const [found, above, staged, old] = await Promise.all(
    [container, parent, tree, aside].map((path) => host.stat(path)),
  );
  if (found === undefined) return;
  for (const [path, stat] of [[container, found] as const, [tree, staged] as const, [aside, old] as const])
    if (stat !== undefined && stat.kind !== 'directory') throw refused(path, `it is a ${stat.kind}`);
  if (above === undefined || (above.mode & OTHERS_MAY_WRITE) === 0) return;
  if ((found.mode & OTHERS_MAY_WRITE) !== 0) throw refused(container, 'others may write to it');
  if (found.uid !== (await ownId(host))) throw refused(container, 'it belongs to another user');
}

async function ownId(host: Host): Promise<number> {
  const { stdout } = await run(host, { argv: ['id', '-u'] }, { check: true });
  return Number(stdout.trim());
}

function refused(path: HostPath, why: string): SnapshotError {
  return new SnapshotError(
    'refused-entry',
    `${path} is not what a restore of this program has left: ${why}. Look at it, and remove it.`,
  );
}
