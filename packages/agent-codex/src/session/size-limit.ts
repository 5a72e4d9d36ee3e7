import { type Host, type HostPath, joinHostPath } from '@seedbed/host';
import { SnapshotError } from '@seedbed/snapshots';
import type { CodexConversation } from '../conversation/conversation.ts';

/** In the workdir, by the agent: what can be made again. Snapshots read it when there is more than `maxBytes`. */
export const REGENERABLE_FILE = 'regenerable.txt';

const HOW_TO_LIST = `List in the file ${REGENERABLE_FILE} of your working directory what can be made again, such as what a build has left: one path from there, or glob (*, ?, **), a line.`;

/** What the agent is told of the limit before it begins: only it knows what can be made again. */
export function sizeLimitInstructions(maxBytes: number): string {
  return `The files of your working directory are saved, as long as they have no more than ${maxBytes} bytes together. ${HOW_TO_LIST} Where there is more than that, what the list names is left out; with too much all the same, nothing is saved.`;
}

/** Tells the agent when snapshots do not succeed any more because of the limit. */
export interface SizeLimitNotices {
  /** A snapshot has failed. The agent is told where the limit is why: once, and again when it has changed its list since, or snapshots have succeeded in between. */
  failed(failure: unknown): Promise<void>;
  saved(): void;
}

export function createSizeLimitNotices(
  host: Host,
  workdir: HostPath,
  { notify }: Pick<CodexConversation, 'notify'>,
): SizeLimitNotices {
  let toldOf: string | undefined;

  return {
    async failed(failure) {
      if (!isTooManyBytes(failure)) return;
      const list = await markOfList(host, workdir);
      if (list === undefined || list === toldOf) return;
      toldOf = list;
      notify(
        `System: ${failure.message} ${HOW_TO_LIST} Or remove what is not needed. Until then nothing that you do is saved.`,
      );
    },
    saved() {
      toldOf = undefined;
    },
  };
}

/** Too many entries are the host's refusal, come as the cause, and no list helps. */
function isTooManyBytes(failure: unknown): failure is SnapshotError {
  return failure instanceof SnapshotError && failure.code === 'limit-exceeded' && failure.cause === undefined;
}

/** Another one for another list; `undefined` where the host cannot be asked. */
async function markOfList(host: Host, workdir: HostPath): Promise<string | undefined> {
  try {
    const stat = await host.stat(joinHostPath(workdir, REGENERABLE_FILE));
    return stat === undefined ? 'none' : `${stat.identity} ${stat.size} ${stat.changedMs}`;
  } catch {
    return undefined;
  }
}
