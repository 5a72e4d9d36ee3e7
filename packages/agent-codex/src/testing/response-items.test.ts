import fc from 'fast-check';
import { expect, test } from 'vitest';
import { itemEvents } from './response-items.ts';
import type { OutputStep } from './story-step.ts';

function events(step: OutputStep, tools: readonly { name: string; type: string }[] = []) {
  return [...itemEvents(step, { id: '0_0', outputIndex: 0, tools })].map(({ event }) => event);
}

function deltasOf(step: OutputStep): unknown[] {
  return events(step).flatMap((event) =>
    event.type === 'response.output_text.delta' ? [event['delta']] : [],
  );
}

test('the pieces of a text make the text again, and none breaks a character', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 5 }), (text, characters) => {
      const pieces = deltasOf({ type: 'say', text, delivery: { characters } });
      expect(pieces.join('')).toBe(text);
      expect(pieces.every((piece) => typeof piece === 'string' && piece.isWellFormed())).toBe(true);
    }),
  );
});

test('the heredoc of a patch ends after the patch, whatever is in it', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('+x', 'END_OF_PATCH', 'END_OF_PATCH_', 'EOF', '')), (lines) => {
      const item = events({ type: 'patch', patch: lines.join('\n') }).at(-1)?.['item'] as {
        arguments: string;
      };
      const script: string[] = JSON.parse(item.arguments).cmd.split('\n');
      const end = /<<'(.*)'/.exec(script[0] ?? '')?.[1];
      expect(script.indexOf(end ?? '')).toBe(script.length - 1);
    }),
  );
});

test('a patch goes to the tool for patches where there is one', () => {
  const step: OutputStep = { type: 'patch', patch: '*** Begin Patch' };
  const tools = [{ name: 'apply_patch', type: 'custom' }];
  expect(events(step, tools).at(-1)).toMatchObject({
    item: { type: 'custom_tool_call', input: '*** Begin Patch' },
  });
  expect(events(step).at(-1)).toMatchObject({ item: { type: 'function_call', name: 'exec_command' } });
});
