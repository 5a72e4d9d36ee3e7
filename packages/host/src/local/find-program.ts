import { access, constants, stat } from 'node:fs/promises';
import type { CheckedCommand } from '../check-command.ts';
import { programCandidates } from '../program-candidates.ts';
import { nodePath } from './node-path.ts';
import { startFailure } from './start-failure.ts';

/** The file that a command would run. Rejects with the failure that starting it would have. */
export async function findProgram(request: CheckedCommand): Promise<string> {
  let refused: unknown;
  try {
    await access(nodePath(request.cwd), constants.X_OK);
    for (const candidate of programCandidates(request)) {
      try {
        await access(nodePath(candidate), constants.X_OK);
        if ((await stat(nodePath(candidate))).isFile()) return candidate;
      } catch (failure) {
        refused = failure;
      }
    }
  } catch (failure) {
    refused = failure;
  }
  const notExecutable = Object.assign(new Error('only folders of that name'), { code: 'EACCES' });
  throw await startFailure(request, refused ?? notExecutable);
}
