import { access, constants, stat } from 'node:fs/promises';
import type { CheckedCommand } from '../check-command.ts';
import { errnoOf } from './file-failure.ts';
import { nodePath } from './node-path.ts';
import { startFailure } from './start-failure.ts';

const PATH_WHEN_UNSET = '/bin:/usr/bin';

/** The file that a command would run, found as `execvp` does. Rejects with the failure that starting it would have. */
export async function findProgram(request: CheckedCommand): Promise<string> {
  const [program] = request.argv;
  const folders = (request.env['PATH'] ?? PATH_WHEN_UNSET).split(':');
  const candidates = program.includes('/')
    ? [program]
    : folders.map((folder) => `${folder || '.'}/${program}`);
  try {
    await access(nodePath(request.cwd), constants.X_OK);
    let refused: unknown;
    for (const candidate of candidates) {
      try {
        await access(nodePath(candidate), constants.X_OK);
        if ((await stat(nodePath(candidate))).isFile()) return candidate;
      } catch (failure) {
        if (refused === undefined || errnoOf(failure) === 'EACCES') refused = failure;
      }
    }
    throw refused;
  } catch (failure) {
    throw await startFailure(request, failure);
  }
}
