import { access, constants, stat } from 'node:fs/promises';
import type { CheckedCommand } from '../check-command.ts';
import { HostError } from '../host-error.ts';
import { errnoOf, fileFailure } from './file-failure.ts';
import { nodePath } from './node-path.ts';

/** Why a process could not be started: the kernel gives one errno for a missing program, a missing interpreter and a missing folder alike. */
export async function startFailure(request: CheckedCommand, failure: unknown): Promise<HostError> {
  if (failure instanceof HostError) return failure;
  const program = request.argv[0];
  return (
    (await folderFailure(request, failure)) ?? (await programFailure(program, request.env['PATH'], failure))
  );
}

async function folderFailure(request: CheckedCommand, cause: unknown): Promise<HostError | undefined> {
  const attempt = `start ${request.argv[0]} in the folder ${request.cwd}`;
  try {
    const folder = await stat(nodePath(request.cwd));
    if (!folder.isDirectory()) {
      return new HostError('not-a-directory', `Could not ${attempt}: it is not a folder.`, { cause });
    }
    await access(nodePath(request.cwd), constants.X_OK);
    return undefined;
  } catch (failure) {
    return fileFailure(attempt, failure);
  }
}

async function programFailure(program: string, path: string | undefined, cause: unknown): Promise<HostError> {
  const errno = errnoOf(cause);
  if (errno === 'E2BIG') {
    return new HostError(
      'invalid-command',
      `Could not start ${program}: its arguments and environment are too long for the host.`,
      { cause },
    );
  }
  if (errno === 'EACCES' || errno === 'ENOEXEC' || errno === 'EPERM') {
    return new HostError(
      'command-not-executable',
      `Could not start ${program}: it is there, but may not be executed (${errno}).`,
      { cause },
    );
  }
  if (errno !== 'ENOENT' && errno !== 'ENOTDIR') return fileFailure(`start ${program}`, cause);
  if (!program.startsWith('/')) {
    const where = path === undefined ? 'the PATH is not set' : `looked for on the PATH ${path}`;
    return new HostError(
      'command-not-found',
      `Could not start ${program}: there is no such program; ${where}.`,
      { cause },
    );
  }
  const found = await stat(nodePath(program)).catch(() => undefined);
  if (found === undefined)
    return new HostError('command-not-found', `Could not start ${program}: there is no such file.`, {
      cause,
    });
  return new HostError(
    'command-not-executable',
    `Could not start ${program}: it is there, but the interpreter or loader that it names is not.`,
    { cause },
  );
}
