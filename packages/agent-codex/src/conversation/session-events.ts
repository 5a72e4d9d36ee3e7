import type { EventMessage, FileChange, Item } from '@seedbed/conversation-protocol';
import { z } from 'zod';
import { mapNotification } from '../app-server/notification-mapping.ts';
import type { TurnTracker } from './turn-tracker.ts';

export interface NotificationSink {
  readonly turns: TurnTracker;
  append(msg: EventMessage): void;
  /** Codex no longer waits for the answer to this request of its own. */
  requestResolved(requestId: number | string): void;
}

/** Turns what Codex reports into events of this conversation. */
export interface SessionEvents {
  receive(method: string, params: unknown): void;
  announcedChanges(itemId: string): readonly FileChange[];
}

const resolved = z.looseObject({ requestId: z.union([z.number(), z.string()]) });

/** @param threadId The one thread of this conversation; what Codex says of others (a sub-agent's) stays `raw`. */
export function createSessionEvents(
  threadId: () => string | undefined,
  sink: NotificationSink,
): SessionEvents {
  /** Patches that wait for approval; forgotten with their completion. */
  const changes = new Map<string, readonly FileChange[]>();

  function remember(item: Item): void {
    if (item.kind !== 'file-change') return;
    if (item.status === 'in-progress') changes.set(item.itemId, item.changes);
    else changes.delete(item.itemId);
  }

  return {
    announcedChanges: (itemId) => changes.get(itemId) ?? [],
    receive(method, params) {
      const ours = threadId();
      const about = threadOf(params);
      if (about !== undefined && ours !== undefined && about !== ours) {
        sink.append({ type: 'raw', method, params });
        return;
      }
      if (method === 'turn/started' && sink.turns.onStarted(params)) return;
      if (method === 'turn/completed' && sink.turns.onCompleted(params)) return;
      if (method === 'serverRequest/resolved') {
        const parsed = resolved.safeParse(params);
        if (parsed.success) sink.requestResolved(parsed.data.requestId);
      }
      for (const msg of mapNotification(method, params)) {
        if ('item' in msg) remember(msg.item);
        sink.turns.observe(msg);
        sink.append(msg);
      }
    },
  };
}

/** Read by hand, because every notification passes here, and a schema would copy each of them. */
function threadOf(params: unknown): string | undefined {
  if (typeof params !== 'object' || params === null || !('threadId' in params)) return undefined;
  return typeof params.threadId === 'string' ? params.threadId : undefined;
}
