import { describe, expect, it } from 'vitest';
import { codexOnHosts } from '../../test/codex-on-hosts.ts';
import { eventOf, openScriptedTask } from '../../test/scripted-task.ts';

describe.each(codexOnHosts())('the thread of a conversation with Codex $version $where', ({ open }) => {
  it('rewinds, and the model no longer hears what was said', async () => {
    await using task = await open({
      story: [[{ type: 'say', text: 'A.' }], [{ type: 'say', text: 'B.' }], [{ type: 'say', text: 'C.' }]],
    });
    await task.conversation.run('keep this');
    const { turnId } = await task.conversation.run('forget this');
    await task.conversation.submit({ id: 'r', op: { type: 'rewind', beforeTurnId: turnId } });
    await task.conversation.run('and now');
    const heard = JSON.stringify(task.model.requests[2]?.input);
    expect(heard).toContain('keep this');
    expect(heard).not.toContain('forget this');
    expect(task.conversation.state().turns).toHaveLength(2);
    await expect(
      task.conversation.submit({ id: 'x', op: { type: 'rewind', beforeTurnId: 'nonsense' } }),
    ).rejects.toThrow();
  });

  it('forks, and the copy can be resumed in a conversation of its own', async () => {
    await using task = await open({ story: [[{ type: 'say', text: 'Remember me.' }]] });
    await task.conversation.run('original');
    const forked = await task.conversation.submit({ id: 'f', op: { type: 'fork' } });
    if (forked.type !== 'forked') throw new Error('not forked');
    expect(forked.threadId).not.toBe(task.conversation.threadId);
    await task.conversation.end();
    await using copy = await open({
      workdir: task.workdir,
      resume: forked.threadId,
      story: [[{ type: 'say', text: 'I do.' }]],
    });
    await copy.conversation.run('still there?');
    expect(JSON.stringify(copy.model.requests[0]?.input)).toContain('original');
  });

  it('compacts and reviews as turns', async () => {
    await using task = await open({
      story: [[{ type: 'say', text: 'Hello.' }], [{ type: 'say', text: 'Still here.' }]],
    });
    await task.conversation.run('Hi');
    const compacted = await task.conversation.submit({ id: 'c', op: { type: 'compact' } });
    if (compacted.type !== 'turn') throw new Error('no turn');
    expect((await compacted.turn.result).outcome).toEqual({ status: 'completed' });
    const reviewed = await task.conversation.submit({
      id: 'v',
      op: { type: 'review', target: { type: 'instructions', text: 'Look at it' } },
    });
    if (reviewed.type !== 'turn') throw new Error('no turn');
    expect((await reviewed.turn.result).outcome).toEqual({ status: 'completed' });
    const items = task.conversation.state().turns.flatMap((turn) => turn.items);
    expect(items.map((item) => item.kind)).toEqual(expect.arrayContaining(['compaction', 'review']));
    expect((await task.conversation.run('And you?')).outcome).toEqual({ status: 'completed' });
  });

  it('lists, reads, names and archives threads', async () => {
    await using task = await open({ story: [[{ type: 'say', text: 'Hello.' }]] });
    await task.conversation.run('A thread to find');
    await task.conversation.submit({ id: 'n', op: { type: 'rename', name: 'Found' } });
    const { threads } = await task.conversation.threads();
    expect(threads).toMatchObject([
      { threadId: task.conversation.threadId, name: 'Found', preview: 'A thread to find' },
    ]);
    const read = await task.conversation.readThread(task.conversation.threadId);
    expect(read.turns[0]?.items.map((item) => item.kind)).toEqual(['user-message', 'agent-message']);
    await task.conversation.submit({ id: 'a', op: { type: 'archive' } });
    expect((await task.conversation.threads()).threads).toEqual([]);
    expect((await task.conversation.threads({ archived: true })).threads).toHaveLength(1);
  });

  it('resumes a thread with its policy, and says plainly when there is none', async () => {
    await using task = await open({
      story: [[{ type: 'say', text: 'The word is plum.' }]],
    });
    await task.conversation.run('Say a word');
    await task.conversation.end();
    const { workdir } = task;
    await using again = await open({
      workdir,
      resume: task.conversation.threadId,
      story: [[{ type: 'say', text: 'Plum.' }]],
    });
    expect((await eventOf(again.conversation, 'session-configured')).resumed).toBe(true);
    await again.conversation.run('Which word?');
    expect(JSON.stringify(again.model.requests[0]?.input)).toContain('The word is plum.');
    await again.conversation.end();
    const gone = open({
      workdir,
      resume: '01a1fd8b-0dcb-7fd1-8f8b-d705ce90837d',
      story: [],
    });
    await expect(gone).rejects.toMatchObject({ code: 'thread-not-found' });
  });
});

it('does not resume with an older Codex what a newer one has made', async () => {
  await using task = await openScriptedTask({ version: '0.169.0', story: [[{ type: 'say', text: 'New.' }]] });
  await task.conversation.run('Hi');
  await task.conversation.end();
  const { workdir } = task;
  const older = openScriptedTask({
    version: '0.142.5',
    workdir,
    resume: task.conversation.threadId,
    story: [],
  });
  await expect(older).rejects.toMatchObject({
    code: 'downgrade-refused',
    message: expect.stringContaining('0.169.0'),
  });
});
