import { refuseAborted } from '../refuse-aborted.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';
import { formatTaskHead, mayHaveSnapshots, parseTaskHead } from '../task-head.ts';

export interface MemoryIndexOptions {
  /** Called before each operation: what it throws is what the operation fails with. */
  readonly onOperation?: (operation: 'read' | 'write', task: string) => void | Promise<void>;
  /** Called after a write was done and before its answer is given: what it throws is an answer that was lost. */
  readonly onWritten?: (task: string) => void | Promise<void>;
}

const LABEL = 'memory';

/** Heads of tasks in memory, with the promises of the real ones, and faults on demand. */
export function createMemorySnapshotIndex(options: MemoryIndexOptions = {}): SnapshotIndex {
  const heads = new Map<string, string>();
  const revisionOf = (task: string): number => {
    const text = heads.get(task);
    return text === undefined ? 0 : parseTaskHead(text, { task, label: LABEL }).revision;
  };
  return {
    label: LABEL,
    async read(task, { signal } = {}) {
      refuseAborted(signal);
      await options.onOperation?.('read', task);
      const text = heads.get(task);
      return text === undefined ? undefined : parseTaskHead(text, { task, label: LABEL });
    },
    async write(head, expected, { signal } = {}) {
      refuseAborted(signal);
      await options.onOperation?.('write', head.task);
      if (revisionOf(head.task) !== expected) return false;
      heads.set(head.task, formatTaskHead(head));
      await options.onWritten?.(head.task);
      return true;
    },
    async *tasks() {
      for (const [task, text] of heads) if (mayHaveSnapshots(text)) yield task;
    },
  };
}
