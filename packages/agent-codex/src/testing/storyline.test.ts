import { describe, expect, test } from 'vitest';
import { type InputItem, inputItemsOf } from './model-input.ts';
import type { ModelRequest } from './model-request.ts';
import type { RequestPurpose, Story } from './story.ts';
import type { Step } from './story-step.ts';
import { createStoryline } from './storyline.ts';

function say(text: string): Step[] {
  return [{ type: 'say', text }];
}

function asked(about: Partial<ModelRequest> = {}): ModelRequest {
  return {
    index: 0,
    purpose: 'turn',
    model: 'm',
    instructions: '',
    input: [],
    tools: [],
    headers: {},
    threadId: 't',
    ...about,
  };
}

function userSays(text: string): InputItem[] {
  return inputItemsOf([{ type: 'message', role: 'user', content: text }]);
}

function toolGave(name: string, output: string): InputItem[] {
  return inputItemsOf([
    { type: 'function_call', name, arguments: '{}', call_id: 'c' },
    { type: 'function_call_output', call_id: 'c', output },
  ]);
}

function told(story: Story, ...requests: readonly ModelRequest[]): unknown[] {
  const storyline = createStoryline(story);
  return requests.map((request) => {
    const [step] = storyline.next(request).steps;
    return step?.type === 'say' ? step.text : step;
  });
}

describe('a storyline', () => {
  test('goes reply by reply, and says when there is no further one', () => {
    const story = { replies: [{ steps: say('a') }, { steps: say('b'), times: 2 }] };
    expect(told(story, asked(), asked(), asked(), asked())).toEqual([
      'a',
      'b',
      'b',
      'The story has no further reply.',
    ]);
  });

  test('ends with what the story says otherwise', () => {
    const story: Story = { replies: [{ steps: say('a') }], otherwise: say('z') };
    expect(told(story, asked(), asked(), asked())).toEqual(['a', 'z', 'z']);
  });

  test('keeps a reply until its condition holds', () => {
    const story: Story = {
      replies: [
        { when: { lastUserText: 'bye' }, steps: say('Bye!') },
        { when: { afterTool: 'exec_command', lastToolOutput: 'denied' }, steps: say('Pity.') },
        { steps: say('Go on.'), times: 'always' },
      ],
    };
    const requests = [
      asked({ input: userSays('hello') }),
      asked({ input: toolGave('exec_command', 'fine') }),
      asked({ input: toolGave('exec_command', 'permission denied') }),
      asked({ input: [...userSays('bye'), ...userSays('<environment_context>late</environment_context>')] }),
      asked({ input: userSays('bye') }),
    ];
    expect(told(story, ...requests)).toEqual(['Go on.', 'Go on.', 'Pity.', 'Bye!', 'Go on.']);
  });

  test('does not take the words of a third party for the user or for a tool', () => {
    const story: Story = {
      replies: [
        { when: { lastUserText: 'attack' }, steps: say('as the user says') },
        { when: { afterTool: 'hook' }, steps: say('as the tool says') },
      ],
      otherwise: say('no'),
    };
    const tagged = inputItemsOf([
      { type: 'message', role: 'user', content: '<external_hook>attack</external_hook>' },
    ]);
    const output = inputItemsOf([{ type: 'function_call_output', name: 'hook', output: 'attack' }]);
    expect(told(story, asked({ input: tagged }), asked({ input: output }))).toEqual(['no', 'no']);
  });

  test('looks everywhere for any text', () => {
    const story: Story = {
      replies: [{ when: { anyText: 'secret' }, steps: say('leak'), times: 'always' }],
      otherwise: say('no'),
    };
    const requests = [
      asked({ instructions: 'the secret' }),
      asked({ input: toolGave('exec_command', 'a secret') }),
      asked({ input: userSays('nothing') }),
    ];
    expect(told(story, ...requests)).toEqual(['leak', 'leak', 'no']);
  });

  test('begins anew in each thread, unless it is shared', () => {
    const replies = [{ steps: say('a') }, { steps: say('b') }];
    const requests = [asked({ threadId: '1' }), asked({ threadId: '2' }), asked({ threadId: '1' })];
    expect(told({ replies }, ...requests)).toEqual(['a', 'a', 'b']);
    expect(told({ replies, run: 'shared' }, ...requests)).toEqual([
      'a',
      'b',
      'The story has no further reply.',
    ]);
  });

  test('counts a subagent to the conversation that began it', () => {
    const story: Story = {
      replies: [
        { purpose: 'subagent', steps: say('first') },
        { purpose: 'subagent', steps: say('second') },
      ],
    };
    const child = (threadId: string) => asked({ purpose: 'subagent', threadId, parentThreadId: 't' });
    expect(told(story, child('c1'), child('c2'))).toEqual(['first', 'second']);
  });

  test.each<RequestPurpose>(['compact', 'review', 'auto-review', 'subagent', 'other'])(
    'uses up no turn for a request of another purpose: %s',
    (purpose) => {
      const story: Story = { replies: [{ steps: say('a') }], otherwise: say('z') };
      const [first, second] = told(story, asked({ purpose }), asked());
      expect(first).not.toBe('z');
      expect(second).toBe('a');
    },
  );
});
