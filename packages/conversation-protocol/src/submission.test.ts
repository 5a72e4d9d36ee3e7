import { describe, expect, it } from 'vitest';
import { ConversationProtocolError, parseSubmission } from './index.ts';

function codeOf(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return error instanceof ConversationProtocolError ? error.code : String(error);
  }
}

describe('parseSubmission', () => {
  it('takes what a client may ask', () => {
    const submission = { id: '1', op: { type: 'user-input', content: [{ type: 'text', text: 'hello' }] } };
    expect(parseSubmission(submission)).toEqual(submission);
  });

  it.each([
    ['nothing at all', undefined],
    ['an unknown operation', { id: '1', op: { type: 'reboot' } }],
    ['a misspelt member', { id: '1', op: { type: 'interrupt', keepBackgrounds: true } }],
    ['a member of the prototype', JSON.parse('{"id":"1","op":{"type":"close","__proto__":{"x":1}}}')],
    [
      'a relative path',
      { id: '1', op: { type: 'steer', content: [{ type: 'local-image', path: '../x.png' }] } },
    ],
    [
      'an image by a script address',
      { id: '1', op: { type: 'steer', content: [{ type: 'image', url: 'javascript:alert(1)' }] } },
    ],
    ['no content', { id: '1', op: { type: 'user-input', content: [] } }],
    ['an id of a megabyte', { id: 'x'.repeat(1 << 20), op: { type: 'close' } }],
    [
      'a source that pretends to be markup',
      { id: '1', op: { type: 'external-input', input: { source: '</x>', trust: 'untrusted', text: '' } } },
    ],
    ['a token budget of zero', { id: '1', op: { type: 'set-goal', objective: 'x', tokenBudget: 0 } }],
    [
      'a commit that is an option',
      { id: '1', op: { type: 'review', target: { type: 'commit', sha: '--upload-pack=x' } } },
    ],
  ])('refuses %s', (_, input) => {
    expect(codeOf(() => parseSubmission(input))).toBe('invalid-submission');
  });

  it('names the member that is wrong', () => {
    expect(() => parseSubmission({ id: '1', op: { type: 'rename', name: '' } })).toThrow(/op\.name/);
  });
});
