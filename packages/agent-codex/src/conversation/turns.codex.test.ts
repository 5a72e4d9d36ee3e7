import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { codexOnHosts } from '../../test/codex-on-hosts.ts';
import { eventOf } from '../../test/scripted-task.ts';

describe.each(codexOnHosts())('the turns of a conversation with Codex $version $where', ({ open }) => {
  it('follows a plan', async () => {
    await using task = await open({
      story: [
        [
          {
            type: 'plan',
            steps: [
              { step: 'look', status: 'completed' },
              { step: 'mend', status: 'in_progress' },
            ],
          },
        ],
        [{ type: 'say', text: 'On it.' }],
      ],
    });
    await task.conversation.run('Plan');
    expect(task.conversation.state().turns[0]?.plan?.steps).toEqual([
      { text: 'look', status: 'completed' },
      { text: 'mend', status: 'in-progress' },
    ]);
  });

  it('steers the turn that runs, and refuses to when none does', async () => {
    await using task = await open({
      story: {
        replies: [
          {
            steps: [
              { type: 'hold', name: 'steered' },
              { type: 'run', command: 'true' },
            ],
          },
          { steps: [{ type: 'say', text: 'As you wish.' }] },
        ],
      },
    });
    const steer = (id: string) =>
      task.conversation.submit({
        id,
        op: { type: 'steer', content: [{ type: 'text', text: 'Left, please' }] },
      });
    await expect(steer('early')).rejects.toMatchObject({ code: 'no-turn-running' });
    const running = task.conversation.run('Go');
    await task.model.waitForRequest(0);
    // The model may hear of the turn before this program does.
    await eventOf(task.conversation, 'turn-started');
    await steer('now');
    task.model.release('steered');
    expect((await running).outcome).toEqual({ status: 'completed' });
    expect(task.model.requests[1]?.input).toContainEqual(
      expect.objectContaining({ author: 'user', text: 'Left, please' }),
    );
  });

  it('refuses a second turn while one runs', async () => {
    await using task = await open({
      story: [
        [
          { type: 'hold', name: 'h' },
          { type: 'say', text: 'Done.' },
        ],
      ],
    });
    const running = task.conversation.run('Go');
    await task.model.waitForRequest(0);
    await expect(task.conversation.run('And this')).rejects.toMatchObject({ code: 'turn-running' });
    task.model.release('h');
    expect((await running).outcome).toEqual({ status: 'completed' });
  });

  it('interrupts a turn and ends the command that it leaves behind', async () => {
    await using task = await open({
      story: [[{ type: 'run', command: 'echo started; sleep 1000', yieldMs: 60_000 }]],
    });
    const running = task.conversation.run('Wait');
    await eventOf(task.conversation, 'item-started', ({ item }) => item.kind === 'command');
    await task.conversation.submit({ id: 'stop', op: { type: 'interrupt' } });
    expect((await running).outcome).toEqual({ status: 'interrupted' });
    expect(task.conversation.state().backgroundProcesses).toEqual([]);
  });

  it('does nothing when it is interrupted at rest', async () => {
    await using task = await open({ story: [] });
    expect(await task.conversation.submit({ id: 'stop', op: { type: 'interrupt' } })).toEqual({
      type: 'done',
    });
  });

  it('does a repeated submission once', async () => {
    await using task = await open({ story: [[{ type: 'say', text: 'Once.' }]] });
    const submission = {
      id: 'same',
      op: { type: 'user-input', content: [{ type: 'text', text: 'Hi' }] },
    } as const;
    const [first, second] = await Promise.all([
      task.conversation.submit(submission),
      task.conversation.submit(submission),
    ]);
    expect(second).toBe(first);
    if (first.type === 'turn') await first.turn.result;
    expect(task.model.requests).toHaveLength(1);
  });

  it('answers in the shape that was asked for', async () => {
    const outputSchema = {
      type: 'object',
      properties: { n: { type: 'number' } },
      required: ['n'],
      additionalProperties: false,
    };
    await using task = await open({
      story: [[{ type: 'say', text: '{"n": 7}' }], [{ type: 'say', text: 'seven' }]],
    });
    expect((await task.conversation.run('How many?', { outputSchema })).structured).toEqual({ n: 7 });
    expect((await task.conversation.run('How many?', { outputSchema })).structured).toBeUndefined();
  });

  it('sends images and files', async () => {
    await using task = await open({ story: [[{ type: 'say', text: 'Nice.' }]] });
    const pixel =
      'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
    await writeFile(join(task.workdir, 'pixel.png'), Buffer.from(pixel.split(',')[1] ?? '', 'base64'));
    await task.conversation.run([
      { type: 'text', text: 'Look' },
      { type: 'image', url: pixel },
      { type: 'local-image', path: join(task.workdir, 'pixel.png') },
      { type: 'file', path: join(task.workdir, 'notes.txt') },
    ]);
    const said = JSON.stringify(task.model.requests[0]?.input);
    expect(said.split('data:image/png').length - 1).toBe(2);
    expect(said).toContain(join(task.workdir, 'notes.txt'));
  });

  it('tells the agent of an upload with the next turn, once it is there and whole', async () => {
    await using task = await open({ story: [[{ type: 'say', text: 'Thanks.' }]] });
    await writeFile(join(task.workdir, 'data.csv'), 'a,b\n');
    await symlink('/etc/hostname', join(task.workdir, 'elsewhere'));
    let submissions = 0;
    const announce = (path: string, size: number) => {
      submissions += 1;
      return task.conversation.submit({ id: `u${submissions}`, op: { type: 'upload-done', path, size } });
    };
    for (const [path, size] of [
      ['missing.csv', 4],
      ['data.csv', 5],
      ['data.csv/below', 4],
      ['.', 4],
      ['../data.csv', 4],
      ['/etc/hostname', 1],
      ['elsewhere', 1],
    ] as const) {
      await expect(announce(path, size), path).rejects.toMatchObject({ code: 'invalid-submission' });
    }
    await announce('data.csv', 4);
    await announce(join(task.workdir, 'data.csv'), 4);
    await task.conversation.run('Have a look');
    const told = JSON.stringify(task.model.requests[0]?.input);
    expect(told.split('the user uploaded').length - 1).toBe(2);
    expect(told).toContain('the user uploaded data.csv');
  });

  it('switches model and effort for the turns that follow, and refuses an effort that the model has not', async () => {
    await using task = await open({
      story: [[{ type: 'say', text: 'One.' }], [{ type: 'say', text: 'Two.' }]],
    });
    const models = await task.conversation.models();
    const other = models.find((model) => model.efforts.length > 1 && !model.isDefault);
    if (other === undefined) throw new Error('The catalogue has one model only.');
    const effort = other.efforts.find((one) => one.value !== other.defaultEffort)?.value ?? '';
    await task.conversation.run('First');
    await task.conversation.submit({
      id: 'c',
      op: { type: 'set-controls', controls: { model: other.value, effort } },
    });
    await task.conversation.run('Second');
    expect(task.model.requests[1]).toMatchObject({ model: other.value, effort });
    expect(task.conversation.state().controls).toMatchObject({ model: other.value, effort });
    const op = { type: 'set-controls', controls: { effort: 'heroic' } } as const;
    await expect(task.conversation.submit({ id: 'd', op })).rejects.toMatchObject({ code: 'invalid-answer' });
  });
});
