import { type FileKind, type Host, type HostPath, joinHostPath, readText } from '@seedbed/host';
import { z } from 'zod';
import { isNoSuchFile } from './no-such-file.ts';

/** Says on a host which snapshot a workdir has come from, so that what was done since is not thrown away by restoring it. */
export interface TaskMark {
  readonly task: string;
  /** Of the snapshot that was made of this workdir, or restored to it, last; absent while there is none. */
  readonly saveId?: string;
  /** The newest Codex that may have touched the thread here, also after that snapshot. */
  readonly codexVersion?: string;
  /** Of the journal that lies there and goes on from that snapshot. */
  readonly journal?: string;
}

const markSchema: z.ZodType<TaskMark> = z.object({
  task: z.string(),
  saveId: z.string().exactOptional(),
  codexVersion: z
    .string()
    .regex(/^\d+\.\d+\.\d+/)
    .exactOptional(),
  journal: z.string().exactOptional(),
});

const MAX_MARK_BYTES = 64 * 1024;

/**
 * `undefined` where there is none, or none that was written here: then nothing is known of the workdir. An agent can write there: it can only keep its own files by it.
 * @throws {HostError} when the host fails: a restore would replace what was done since.
 */
export async function readTaskMark(host: Host, workdir: HostPath): Promise<TaskMark | undefined> {
  try {
    const path = await host.canonicalize(markPath(workdir), { within: workdir });
    return markIn(await readText(host, path, { maxBytes: MAX_MARK_BYTES }));
  } catch (failure) {
    if (isNoSuchFile(failure)) return undefined;
    throw failure;
  }
}

function markIn(text: string): TaskMark | undefined {
  try {
    return markSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** What an agent has put in its place, be it a file for the folder or a folder for the file, goes. @throws {HostError} `outside-root` where a link leads out. */
export async function writeTaskMark(host: Host, workdir: HostPath, mark: TaskMark): Promise<void> {
  const path = markPath(workdir);
  const folder = joinHostPath(workdir, 'home/.seedbed');
  const home = await host.stat(joinHostPath(workdir, 'home'));
  if (home?.kind === 'directory') await removeOtherThan(host, folder, 'directory');
  await host.makeDirectory(folder, { mode: 0o700 });
  await host.canonicalize(folder, { within: workdir });
  await removeOtherThan(host, path, 'file');
  await host.writeFile(path, `${JSON.stringify(mark)}\n`, { mode: 0o600 });
}

async function removeOtherThan(host: Host, path: HostPath, kind: FileKind): Promise<void> {
  const found = await host.stat(path);
  if (found !== undefined && found.kind !== kind) await host.remove(path, { recursive: true });
}

function markPath(workdir: HostPath): HostPath {
  return joinHostPath(workdir, 'home/.seedbed/task.json');
}
