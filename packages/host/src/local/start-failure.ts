import { access, constants, stat } from 'node:fs/promises';
import type { CheckedCommand } from '../check-command.ts';
import { HostError } from '../host-error.ts';
import { programCandidates } from '../program-candidates.ts';
import { errnoOf, fileFailure } from './file-failure.ts';
import { nodePath } from './node-path.ts';

const NOT_STARTED: readonly string[] = ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ENOEXEC'];

/** Why a process could not be started: the kernel gives one errno for a missing program, a missing interpreter and a missing folder alike. */
export async function startFailure(request: CheckedCommand, failure: unknown): Promise<HostError> {
  if (failure instanceof HostError) return failure;
  return (await folderFailure(request, failure)) ?? (await programFailure(request, failure));
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

async function programFailure(request: CheckedCommand, cause: unknown): Promise<HostError> {
  const program = request.argv[0];
  const attempt = `Could not start ${program}`;
  const errno = errnoOf(cause);
  if (errno === 'E2BIG') {
    const why = 'its arguments and environment are too long for the host';
    return new HostError('invalid-command', `${attempt}: ${why}.`, { cause });
  }
  if (!NOT_STARTED.includes(errno ?? '')) return fileFailure(`start ${program}`, cause);
  // A folder of the PATH that may not be looked into gives EACCES too: what counts is whether a program was seen.
  const file = await seenProgram(request);
  if (file === undefined) {
    const path = request.env['PATH'];
    const where = path === undefined ? 'the PATH is not set' : `the PATH is ${path}`;
    const why = program.startsWith('/') ? 'there is no such file' : `there is no such program; ${where}`;
    return new HostError('command-not-found', `${attempt}: ${why}.`, { cause });
  }
  const isMissingPart = errno === 'ENOENT' || errno === 'ENOTDIR';
  const why = isMissingPart
    ? `${file} is there, but the interpreter or loader that it names is not`
    : `${file} is there, but may not be executed`;
  return new HostError('command-not-executable', `${attempt}: ${why}.`, { cause });
}

async function seenProgram(request: CheckedCommand): Promise<string | undefined> {
  for (const candidate of programCandidates(request)) {
    try {
      await stat(nodePath(candidate));
      return candidate;
    } catch (failure) {
      // Named by its path, it is there even where only that much may be known.
      if (candidate === request.argv[0] && errnoOf(failure) === 'EACCES') return candidate;
    }
  }
  return undefined;
}
