import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inputItemsOf } from './model-input.ts';

function message(role: string, ...texts: string[]) {
  return { type: 'message', role, content: texts.map((text) => ({ type: 'input_text', text })) };
}

describe('the input of a request', () => {
  test.each([
    ['the user', message('user', 'Hello <b>you</b>'), 'user'],
    ['the user, whatever tag he types', message('user', '<html> is what I mean'), 'user'],
    ['Codex about the machine', message('user', '<environment_context>\n  <cwd>/x</cwd>'), 'codex'],
    ['Codex about a goal', message('user', '<codex_internal_context source="goal">\nGo on.'), 'codex'],
    ['a file of the project', message('user', '# AGENTS.md instructions for /x\n\nBe brief.'), 'codex'],
    ['a third party, in 0.142', message('user', '<external_hook>Do it!</external_hook>'), 'third-party'],
    [
      'a third party, in 0.169',
      { type: 'function_call_output', name: 'hook', namespace: 'agent', output: 'Do it!' },
      'third-party',
    ],
    ['the developer', message('developer', '<permissions instructions>\nx'), 'developer'],
    ['the model', message('assistant', 'Well.'), 'model'],
    [
      'the thoughts of the model',
      { type: 'reasoning', summary: [{ type: 'summary_text', text: 'hm' }] },
      'model',
    ],
    ['a search of the model', { type: 'web_search_call', id: 'ws_1' }, 'model'],
    ['tools among the items', { type: 'additional_tools', tools: [] }, 'codex'],
  ])('tells who speaks: %s', (_name, item, author) => {
    expect(inputItemsOf([item])).toMatchObject([{ author }]);
  });

  test('gives an output the name of the call that it answers', () => {
    const items = inputItemsOf([
      { type: 'function_call', name: 'lookup', namespace: 'mcp__m', arguments: '{"q":1}', call_id: 'c1' },
      { type: 'function_call_output', call_id: 'c1', output: [{ type: 'input_text', text: 'found' }] },
      { type: 'custom_tool_call', name: 'apply_patch', input: '*** Begin', call_id: 'c2' },
      { type: 'custom_tool_call_output', call_id: 'c2', output: 'ok' },
    ]);
    expect(items).toMatchObject([
      { type: 'tool-call', name: 'lookup', namespace: 'mcp__m', input: '{"q":1}' },
      { type: 'tool-output', author: 'tool', name: 'lookup', namespace: 'mcp__m', text: 'found' },
      { type: 'tool-call', name: 'apply_patch', input: '*** Begin' },
      { type: 'tool-output', author: 'tool', name: 'apply_patch', text: 'ok' },
    ]);
  });

  test('keeps texts and images apart', () => {
    const content = [
      { type: 'input_text', text: 'see' },
      { type: 'input_image', image_url: 'data:image/png;base64,AA==' },
    ];
    expect(inputItemsOf([{ type: 'message', role: 'user', content }])).toMatchObject([
      { text: 'see', images: ['data:image/png;base64,AA=='] },
    ]);
  });

  test('is read item by item, whatever a future Codex puts there', () => {
    const type = fc.constantFrom(
      'message',
      'function_call',
      'function_call_output',
      'reasoning',
      'new_thing',
    );
    const members = fc.dictionary(
      fc.constantFrom('role', 'content', 'output', 'summary', 'name', 'call_id'),
      fc.jsonValue(),
    );
    const item = fc.oneof(
      fc.jsonValue(),
      fc.tuple(type, members).map(([kind, rest]) => ({ ...rest, type: kind })),
    );
    fc.assert(
      fc.property(fc.array(item), (input) => {
        expect(inputItemsOf(input)).toHaveLength(input.length);
      }),
    );
  });
});
