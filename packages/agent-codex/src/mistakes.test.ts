import type { Submission } from '@seedbed/conversation-protocol';
import { describe, expect, it } from 'vitest';
import { openFaultyCodex } from '../test/faulty-codex.ts';

/** What a program without types may send. */
function untyped(value: unknown): Submission {
  return value as Submission;
}

describe('a mistake of the caller is named', () => {
  it.each([
    ['nothing', {}, /id|op/],
    ['an unknown operation', { id: '1', op: { type: 'frobnicate' } }, /op/],
    [
      'no decision',
      { id: '1', op: { type: 'answer-approval', approvalId: 'a', decision: undefined } },
      /decision/,
    ],
    ['a goal without words', { id: '1', op: { type: 'set-goal', objective: '' } }, /objective/],
  ])('in a submission: %s', async (_, submission, message) => {
    await using codex = await openFaultyCodex([]);
    await using conversation = await codex.open();
    const refusal = conversation.submit(untyped(submission));
    await expect(refusal).rejects.toMatchObject({
      code: 'invalid-submission',
      message: expect.stringMatching(message),
    });
  });

  it('in what is run', async () => {
    await using codex = await openFaultyCodex([]);
    await using conversation = await codex.open();
    await expect(conversation.run([])).rejects.toMatchObject({ code: 'invalid-submission' });
    await expect(conversation.run('Hi', { controls: { modle: 'x' } })).rejects.toMatchObject({
      code: 'invalid-answer',
    });
    await conversation.end();
    await expect(conversation.models()).rejects.toMatchObject({ code: 'closed' });
  });

  it.each(['relative/folder', '/', '/var/tmp/two\nlines'])('in the workdir %j', async (workdir) => {
    await using codex = await openFaultyCodex([]);
    await expect(codex.open({ workdir })).rejects.toMatchObject({
      code: 'invalid-config',
      message: expect.stringContaining('workdir'),
    });
  });

  it('in the thread to resume', async () => {
    await using codex = await openFaultyCodex([]);
    await expect(codex.open({ resume: 'zzz' })).rejects.toMatchObject({
      code: 'invalid-config',
      message: expect.stringContaining('resume'),
    });
  });
});
