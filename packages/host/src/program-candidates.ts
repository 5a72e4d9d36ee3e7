import type { CheckedCommand } from './check-command.ts';

/** What glibc and musl search when there is no PATH. */
const PATH_WHEN_UNSET = '/bin:/usr/bin';

/** The files that a command may mean, in the order in which `execvp` tries them. */
export function programCandidates({ argv: [program], env }: CheckedCommand): readonly string[] {
  if (program.includes('/')) return [program];
  const folders = (env['PATH'] ?? PATH_WHEN_UNSET).split(':');
  return folders.map((folder) => `${folder || '.'}/${program}`);
}
