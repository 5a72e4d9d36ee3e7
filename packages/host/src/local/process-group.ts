import type { EndableGroup } from '../end-process.ts';
import {
  identifyProcess,
  livingTree,
  type ProcessIdentity,
  signalProcesses,
  type TreeRoot,
} from '../process-tree.ts';
import { errnoOf } from './file-failure.ts';

/** The processes that come from one that was started here. */
export interface ProcessGroup extends EndableGroup {
  /** To be called when the leader has been reaped: from then on its number may be taken by a stranger. */
  leaderEnded(): void;
  /** Whether the group certainly has no process any more. `false` also when it may have. */
  isGone(): boolean;
  /** Signals the processes of the leader's group. */
  signal(name: NodeJS.Signals): void;
}

export function watchProcessGroup(pid: number, markerIds: readonly string[]): ProcessGroup {
  const leader = identifyProcess(pid);
  const reach = createGroupReach(pid);
  return leader === undefined ? groupByNumber(reach) : groupByTree(reach, { leader, markerIds });
}

interface GroupReach {
  readonly leaderEnded: () => void;
  readonly isGone: () => boolean;
  readonly signal: (name: NodeJS.Signals | 0) => boolean;
}

/**
 * Reaches a group by its number. A number stays taken while its group has a process; once the leader is reaped and the group was seen empty,
 * or a process has it as its own id, the number belongs to a stranger and is never used again.
 */
function createGroupReach(pid: number): GroupReach {
  let leaderIsReaped = false;
  let gone = false;
  const signal = (name: NodeJS.Signals | 0): boolean => {
    if (leaderIsReaped && identifyProcess(pid) !== undefined) gone = true;
    if (gone) return false;
    try {
      process.kill(-pid, name);
      return true;
    } catch (failure) {
      return errnoOf(failure) === 'EPERM';
    }
  };
  return {
    leaderEnded() {
      leaderIsReaped = true;
      if (!signal(0)) gone = true;
    },
    isGone: () => gone,
    signal,
  };
}

/** Where there is no /proc: what left the group is out of reach. */
function groupByNumber(reach: GroupReach): ProcessGroup {
  return {
    leaderEnded: reach.leaderEnded,
    isGone: reach.isGone,
    signal: reach.signal,
    async signalAll(name) {
      reach.signal(name);
    },
    async countLiving() {
      return reach.signal(0) ? 1 : 0;
    },
  };
}

function groupByTree(reach: GroupReach, root: TreeRoot): ProcessGroup {
  let known: readonly ProcessIdentity[] = [root.leader];
  const look = async (): Promise<readonly ProcessIdentity[]> => {
    known = await livingTree(root, known);
    return known;
  };
  return {
    leaderEnded: reach.leaderEnded,
    isGone: reach.isGone,
    signal: reach.signal,
    async signalAll(name) {
      // Looked at before the signal: the children of a process that it kills lose the parent by which they are found.
      const members = await look();
      reach.signal(name);
      signalProcesses(members, name);
    },
    async countLiving() {
      return (await look()).length;
    },
  };
}
