import type { Op } from '@seedbed/conversation-protocol';
import { HostError, type HostPath, hostPath, joinHostPath } from '@seedbed/host';
import { AgentCodexError } from '../../agent-codex-error.ts';
import type { SessionContext } from '../session-context.ts';

/**
 * Takes note of a file that a client has put into the workdir: the agent is told of it with the next turn, so the file has to be there, whole.
 * @throws {AgentCodexError} `invalid-submission` when it is not, or lies elsewhere.
 */
export async function noteUpload(
  context: SessionContext,
  { path, size }: Extract<Op, { type: 'upload-done' }>,
  submissionId: string,
): Promise<void> {
  const found = await sizeInWorkdir(context, path);
  if (found !== size) {
    const what = found === undefined ? 'there is no such file' : `it has ${found} bytes, not ${size}`;
    throw refused(path, what);
  }
  context.uploads = [...context.uploads, path];
  context.append({ type: 'file-uploaded', path, size }, submissionId);
}

/** `undefined` when it is no file. */
async function sizeInWorkdir({ files, workdir }: SessionContext, path: string): Promise<number | undefined> {
  try {
    const file: HostPath = path.startsWith('/') ? hostPath(path) : joinHostPath(workdir, path);
    const [stat] = await Promise.all([
      files.stat(file, { followLinks: true }),
      files.canonicalize(file, { within: workdir }),
    ]);
    return stat?.kind === 'file' ? stat.size : undefined;
  } catch (failure) {
    if (!(failure instanceof HostError)) throw failure;
    switch (failure.code) {
      case 'not-found':
      case 'not-a-directory':
        return undefined;
      case 'outside-root':
      case 'invalid-path':
      case 'too-many-links':
      case 'permission-denied':
        throw refused(path, failure.message, failure);
      default:
        throw failure;
    }
  }
}

function refused(path: string, why: string, cause?: unknown): AgentCodexError {
  const story = `The upload of ${JSON.stringify(path)} cannot be announced: ${why}.`;
  return new AgentCodexError('invalid-submission', story, cause === undefined ? {} : { cause });
}
