import type { EventMessage } from './event.ts';
import type { Item } from './item.ts';

export type DeltaMessage = Extract<
  EventMessage,
  { type: 'message-delta' | 'reasoning-delta' | 'command-output-delta' }
>;

/**
 * The item with the delta's text at its end. A delta for an item that was not announced begins one;
 * one that does not fit the item's kind changes nothing, because the completed item will say it all.
 */
export function appendDelta(item: Item | undefined, delta: DeltaMessage): Item {
  const grown = item ?? begin(delta);
  switch (delta.type) {
    case 'message-delta':
      return grown.kind === 'agent-message' || grown.kind === 'plan'
        ? { ...grown, text: grown.text + delta.text }
        : grown;
    case 'command-output-delta':
      return grown.kind === 'command' ? { ...grown, output: grown.output + delta.text } : grown;
    case 'reasoning-delta':
      return grown.kind === 'reasoning'
        ? { ...grown, [delta.field]: grow(grown[delta.field], delta) }
        : grown;
  }
}

function begin(delta: DeltaMessage): Item {
  const base = { itemId: delta.itemId, status: 'in-progress' } as const;
  switch (delta.type) {
    case 'message-delta':
      return { ...base, kind: 'agent-message', text: '' };
    case 'command-output-delta':
      return { ...base, kind: 'command', command: '', cwd: '', output: '' };
    case 'reasoning-delta':
      return { ...base, kind: 'reasoning', summary: [], content: [] };
  }
}

/** A part number may be far ahead of the parts that are there, by mistake or malice: it then begins the next part. */
function grow(
  parts: readonly string[],
  delta: Extract<DeltaMessage, { type: 'reasoning-delta' }>,
): readonly string[] {
  const current = parts[delta.part];
  return current === undefined ? [...parts, delta.text] : parts.with(delta.part, current + delta.text);
}
