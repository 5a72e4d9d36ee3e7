import { ConversationProtocolError } from './conversation-protocol-error.ts';
import type { ConversationState, TurnState } from './conversation-state.ts';
import type { ConversationEvent, EventMessage } from './event.ts';
import type { Item } from './item.ts';
import { appendDelta, type DeltaMessage } from './item-delta.ts';

const noticesKept = 100;

/**
 * Folds one event into the state. Pure; an event that was applied already changes nothing, so that a reconnecting viewer may read some twice.
 * @throws {ConversationProtocolError} `gap` when events are missing between the state and this one.
 */
export function reduceConversation(state: ConversationState, event: ConversationEvent): ConversationState {
  if (event.seq <= state.lastSeq) return state;
  if (event.seq !== state.lastSeq + 1) {
    throw new ConversationProtocolError(
      'gap',
      `Expected event ${state.lastSeq + 1}, got ${event.seq}: read again from ${state.lastSeq + 1}.`,
    );
  }
  return { ...state, ...changes(state, event.msg, event.at), lastSeq: event.seq };
}

function changes(state: ConversationState, msg: EventMessage, at: number): Partial<ConversationState> {
  switch (msg.type) {
    case 'session-configured': {
      const { threadId, agent, cwd, controls, resumed } = msg;
      // A further session: what closed the one before it is over.
      return { status: 'idle', threadId, agent, cwd, controls, resumed, closed: undefined };
    }
    case 'turn-started':
      return {
        status: 'running',
        turns: withTurn(state.turns, msg.turnId, at, (turn) => ({ ...turn, origin: msg.origin })),
      };
    case 'turn-completed':
      return completeTurn(state, msg, at);
    case 'item-started':
    case 'item-updated':
    case 'item-completed':
      return {
        turns: withTurn(state.turns, msg.turnId, at, (turn) => ({
          ...turn,
          items: withItem(turn.items, msg.item),
        })),
      };
    case 'message-delta':
    case 'reasoning-delta':
    case 'command-output-delta':
      return {
        turns: withTurn(state.turns, msg.turnId, at, (turn) => ({
          ...turn,
          items: withDelta(turn.items, msg),
        })),
      };
    case 'plan-updated': {
      const { type: _, turnId, ...plan } = msg;
      return { turns: withTurn(state.turns, turnId, at, (turn) => ({ ...turn, plan })) };
    }
    case 'diff-updated':
      return { turns: withTurn(state.turns, msg.turnId, at, (turn) => ({ ...turn, diff: msg.diff })) };
    case 'approval-requested':
      return { pendingApprovals: [...state.pendingApprovals, msg.approval] };
    case 'approval-resolved':
      return { pendingApprovals: state.pendingApprovals.filter((one) => one.approvalId !== msg.approvalId) };
    case 'question-asked':
      return { pendingQuestions: [...state.pendingQuestions, msg.question] };
    case 'question-answered':
      return { pendingQuestions: state.pendingQuestions.filter((one) => one.questionId !== msg.questionId) };
    case 'warning':
      return notice(state, 'warning', msg.message, at);
    case 'error':
      return notice(state, 'error', msg.message, at);
    case 'rewound':
      return { turns: state.turns.slice(0, indexOfTurn(state.turns, msg.beforeTurnId)) };
    case 'closed': {
      const { type: _, ...closed } = msg;
      return {
        status: 'closed',
        closed,
        pendingApprovals: [],
        pendingQuestions: [],
        backgroundProcesses: [],
      };
    }
    default:
      return sessionChanges(state, msg);
  }
}

type SessionMessage = Extract<
  EventMessage,
  {
    type:
      | 'controls-changed'
      | 'usage-updated'
      | 'rate-limits-updated'
      | 'goal-updated'
      | 'goal-cleared'
      | 'background-changed'
      | 'renamed'
      | 'compacted'
      | 'file-uploaded'
      | 'submission-rejected'
      | 'raw';
  }
>;

function sessionChanges(state: ConversationState, msg: SessionMessage): Partial<ConversationState> {
  switch (msg.type) {
    case 'controls-changed':
      return { controls: { ...state.controls, ...msg.controls } };
    case 'usage-updated': {
      const { usage, contextWindow } = msg;
      return contextWindow === undefined ? { usage } : { usage, contextWindow };
    }
    case 'rate-limits-updated':
      return { rateLimits: msg.windows };
    case 'goal-updated':
      return { goal: msg.goal };
    case 'goal-cleared':
      return { goal: undefined };
    case 'background-changed':
      return { backgroundProcesses: msg.processes };
    case 'renamed':
      return { name: msg.name };
    case 'compacted':
    case 'file-uploaded':
    case 'submission-rejected':
    case 'raw':
      return {};
  }
}

function completeTurn(
  state: ConversationState,
  msg: Extract<EventMessage, { type: 'turn-completed' }>,
  at: number,
): Partial<ConversationState> {
  const { outcome, usage } = msg;
  const turns = withTurn(state.turns, msg.turnId, at, (turn) => ({
    ...turn,
    outcome,
    completedAt: at,
    ...(usage === undefined ? {} : { usage }),
  }));
  const running = turns.some((turn) => turn.outcome === undefined);
  return { turns, status: running ? 'running' : 'idle' };
}

/** A turn that was never announced is begun by what happens in it: a log may start in the middle of one. */
function withTurn(
  turns: readonly TurnState[],
  turnId: string,
  at: number,
  change: (turn: TurnState) => TurnState,
): readonly TurnState[] {
  const index = turns.findLastIndex((turn) => turn.turnId === turnId);
  const found = turns[index];
  if (found === undefined) return [...turns, change({ turnId, origin: 'client', startedAt: at, items: [] })];
  return turns.with(index, change(found));
}

/** How many turns remain when `turnId` and all after it go; an unknown turn takes nothing away. */
function indexOfTurn(turns: readonly TurnState[], turnId: string): number {
  const index = turns.findIndex((turn) => turn.turnId === turnId);
  return index === -1 ? turns.length : index;
}

function withItem(items: readonly Item[], item: Item): readonly Item[] {
  const index = items.findLastIndex((one) => one.itemId === item.itemId);
  return index === -1 ? [...items, item] : items.with(index, item);
}

function withDelta(items: readonly Item[], delta: DeltaMessage): readonly Item[] {
  const index = items.findLastIndex((one) => one.itemId === delta.itemId);
  const found = items[index];
  return found === undefined
    ? [...items, appendDelta(undefined, delta)]
    : items.with(index, appendDelta(found, delta));
}

function notice(
  state: ConversationState,
  level: 'warning' | 'error',
  message: string,
  at: number,
): Partial<ConversationState> {
  return { notices: [...state.notices, { level, message, at }].slice(-noticesKept) };
}
