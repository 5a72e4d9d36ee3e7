import type { EventMessage } from '@seedbed/conversation-protocol';
import { expect, it } from 'vitest';
import type { AppServer } from '../../app-server/app-server.ts';
import { defaultDeadlines } from '../deadlines.ts';
import type { SessionContext } from '../session-context.ts';
import { createTurnTracker } from '../turn-tracker.ts';
import { setControls } from './models.ts';
import { startExternalTurn, startTurn } from './start-turn.ts';

/** A conversation of which every turn begins and ends at once. What is to happen while a turn is asked for is `meanwhile`. */
function conversation(meanwhile: (context: SessionContext) => void = () => undefined) {
  const asked: string[] = [];
  const events: EventMessage[] = [];
  const turns = createTurnTracker(() => undefined);
  const request: AppServer['request'] = async (_method, params) => {
    asked.push(JSON.stringify(params));
    meanwhile(context);
    const id = `turn-${asked.length}`;
    const notification = (status: string) => ({ threadId: 't', turn: { id, status, error: null } });
    turns.onStarted(notification('inProgress'));
    turns.onCompleted(notification('completed'));
    return { turn: { id } };
  };
  const context = {
    ...{ turns, threadId: 't', deadlines: defaultDeadlines, turnPolicy: {}, controls: {} },
    ...{ uploads: [], notices: [], append: (msg: EventMessage) => void events.push(msg) },
    server: { request },
  } as Partial<Omit<SessionContext, 'server'>> & { server: Pick<AppServer, 'request'> } as SessionContext;
  return { context, asked, events };
}

const told = (asked: readonly string[], text: string): readonly boolean[] =>
  asked.map((each) => each.includes(text));

it('tells with the next turn what came while one was asked for', async () => {
  let late = true;
  const { context, asked } = conversation((each) => {
    if (!late) return;
    late = false;
    each.notices = [...each.notices, 'a late notice'];
    each.uploads = [...each.uploads, 'late.txt'];
  });
  context.notices = ['an early notice'];
  context.uploads = ['early.txt'];
  for (const text of ['One', 'Two', 'Three']) await startTurn(context, [{ type: 'text', text }]);
  for (const early of ['an early notice', 'early.txt'])
    expect(told(asked, early)).toEqual([true, false, false]);
  for (const each of ['a late notice', 'late.txt']) expect(told(asked, each)).toEqual([false, true, false]);
});

it('keeps what was uploaded for a turn that can tell of it', async () => {
  const { context, asked } = conversation();
  context.uploads = ['photo.png'];
  await startExternalTurn(context, { source: 'ci', trust: 'untrusted', text: 'Build 7 failed.' });
  await startTurn(context, [{ type: 'text', text: 'Look.' }]);
  expect(told(asked, 'photo.png')).toEqual([false, true]);
});

const hello = [{ type: 'text', text: 'Hello' }] as const;

it('tells once of a control that a turn sets, which holds from then on', async () => {
  const { context, asked, events } = conversation();
  context.controls = { effort: 'low' };
  for (const controls of [{ model: 'm2', effort: 'low' }, { model: 'm2' }, undefined])
    await startTurn(context, hello, controls && { controls });
  expect(told(asked, '"model":"m2","effort":"low"')).toEqual([true, true, true]);
  expect(events).toEqual([{ type: 'controls-changed', controls: { model: 'm2' } }]);
});

it('leaves the controls as they are when another turn runs', async () => {
  const { context, events } = conversation();
  context.turns.expect(undefined);
  await expect(startTurn(context, hello, { controls: { model: 'm2' } })).rejects.toMatchObject({
    code: 'turn-running',
  });
  expect(context.controls).toEqual({});
  expect(events).toEqual([]);
});

it('loses no control that is set while another one is checked', async () => {
  const { context } = conversation();
  context.server.request = async () => ({ data: [] });
  await Promise.all([setControls(context, { model: 'm2' }), setControls(context, { effort: 'low' })]);
  expect(context.controls).toEqual({ model: 'm2', effort: 'low' });
});
