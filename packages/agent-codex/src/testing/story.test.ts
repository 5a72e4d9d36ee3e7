import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ScriptedModelError } from './scripted-model-error.ts';
import { parseStory } from './story.ts';

function refusal(story: unknown): ScriptedModelError {
  try {
    parseStory(story);
  } catch (error) {
    if (error instanceof ScriptedModelError) return error;
    throw error;
  }
  throw new Error('The story was taken.');
}

const step = fc.oneof(
  fc.record({ type: fc.constant('say'), text: fc.string() }),
  fc.record({ type: fc.constant('run'), command: fc.string(), escalate: fc.string() }),
  fc.record({
    type: fc.constant('callTool'),
    name: fc.constant('t'),
    arguments: fc.dictionary(fc.string(), fc.jsonValue()),
  }),
  fc.record({ type: fc.constant('wait'), ms: fc.nat(1000) }),
);
const story = fc.record({
  replies: fc.array(
    fc.record(
      {
        steps: fc.array(step),
        when: fc.record({ lastUserText: fc.string() }),
        purpose: fc.constantFrom('turn', 'compact', 'review', 'auto-review', 'subagent', 'other'),
        times: fc.oneof(fc.integer({ min: 1 }), fc.constant('always')),
      },
      { requiredKeys: ['steps'] },
    ),
  ),
});

describe('a story', () => {
  test('is the same after a journey as JSON', () => {
    fc.assert(
      fc.property(story, (told) => {
        const read: unknown = JSON.parse(JSON.stringify(told));
        expect(parseStory(read)).toEqual(read);
      }),
    );
  });

  test('is refused, never half read, when it is not one', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        fc.pre(typeof value !== 'object' || value === null || !('replies' in value));
        expect(refusal(value).code).toBe('invalid-story');
      }),
    );
  });

  test.each([
    ['an unknown step', [{ type: 'sing' }], '[0].type'],
    ['a misspelt member', [{ type: 'say', txet: 'x', text: 'y' }], 'txet'],
    ['no deltas', [{ type: 'deltas', count: 0 }], 'count'],
    ['something after the end', [{ type: 'cut' }, { type: 'say', text: 'x' }], 'nothing can follow'],
    [
      'a status after output',
      [
        { type: 'say', text: 'x' },
        { type: 'fail', status: 500 },
      ],
      'before any output',
    ],
    ['a status that is no failure', [{ type: 'fail', status: 200 }], 'status'],
    [
      'silence after output',
      [
        { type: 'garbage', text: 'x' },
        { type: 'hang', headers: false },
      ],
      'before any output',
    ],
  ])('is refused for %s, with the place', (_name, steps, place) => {
    expect(refusal({ replies: [{ steps }] }).message).toContain(place);
    expect(refusal({ replies: [], otherwise: steps }).message).toContain(place);
  });
});
