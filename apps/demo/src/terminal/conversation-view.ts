import type {
  ApprovalRequest,
  EventMessage,
  FileChange,
  Item,
  UserInput,
} from '@seedbed/conversation-protocol';
import type { Page, Style } from './page.ts';
import { shellCommand } from './shell-command.ts';

/** Of a command's output, so many lines are shown from its beginning and from its end. */
const headLines = 20;
const tailLines = 3;

const bar = '  │ ';

export interface ConversationView {
  /** Prints what a person should see of an event; nothing for most. */
  show(msg: EventMessage): void;
  /** Prints what is to be decided, all of it. */
  showApproval(approval: ApprovalRequest): void;
  note(text: string): void;
}

export interface ConversationViewOptions {
  /** Left out of paths. */
  readonly workdir: string;
  /** Said with every question whether a command may run. */
  readonly whatYesOpens?: string | undefined;
}

/** Prints a conversation from the top to the bottom, each thing when it is complete. */
export function createConversationView(
  page: Page,
  { workdir, whatYesOpens }: ConversationViewOptions,
): ConversationView {
  let inTurn = false;
  /** The command that was shown last, so that its output can follow without it being shown again. */
  let lastCommand: string | undefined;
  /** The changes that were shown before they were made, when it was asked whether they may be. */
  const askedChanges = new Set<string>();

  function show(msg: EventMessage): void {
    if (msg.type === 'turn-started') inTurn = true;
    if (msg.type === 'item-started') started(msg.item);
    if (msg.type === 'item-completed') completed(msg.item);
    // What Codex says of its installation before the first turn is no news: its sandbox has been tried by then.
    if (msg.type === 'warning' && inTurn) page.block(msg.message, { mark: '! ', style: 'yellow' });
    if (msg.type === 'error') {
      const retry = msg.willRetry ? ' Codex tries again.' : '';
      page.block(`${msg.message}${retry}`, { mark: '! ', style: msg.willRetry ? 'yellow' : 'red' });
    }
    if (msg.type === 'turn-completed' && msg.outcome.status === 'failed') {
      page.block(`The turn failed: ${msg.outcome.failure.message}`, { mark: '! ', style: 'red' });
    }
    if (msg.type === 'closed' && msg.reason === 'lost') {
      page.block(`Codex is gone. ${msg.message ?? ''}`, { mark: '! ', style: 'red' });
    }
  }

  function started(item: Item): void {
    if (item.kind === 'command') commandLine(item);
  }

  function completed(item: Item): void {
    if (item.kind === 'user-message') {
      paragraph(item.content.map(inputText).join('\n'), '› ', 'bold');
    } else if (item.kind === 'agent-message') {
      paragraph(item.text, '● ', undefined);
    } else if (item.kind === 'reasoning') {
      paragraph(item.summary.join('\n'), '~ ', 'dim');
    } else if (item.kind === 'command') {
      commandEnd(item);
    } else if (item.kind === 'file-change') {
      const note = item.status === 'completed' ? '' : ` (${item.status})`;
      fileChanges(item.changes, { note, withDiff: !askedChanges.has(item.itemId) });
    } else if (item.kind === 'tool-call') {
      paragraph(`${item.server ?? ''} ${item.tool}: ${item.status}`.trim(), '$ ', 'cyan');
    } else if (item.kind === 'web-search') {
      paragraph(`searches the web for: ${item.query}`, '$ ', 'cyan');
    }
  }

  function paragraph(text: string, mark: string, style: Style | undefined): void {
    if (text.trim() === '') return;
    page.blank();
    page.block(text.trim(), { mark, style });
    lastCommand = undefined;
  }

  function commandLine({ itemId, command }: Extract<Item, { kind: 'command' }>): void {
    page.blank();
    page.block(shellCommand(command), { mark: '$ ', style: 'cyan', markStyle: 'cyan' });
    lastCommand = itemId;
  }

  function commandEnd(item: Extract<Item, { kind: 'command' }>): void {
    // Something else was shown in between, or Codex did not say when it began.
    if (lastCommand !== item.itemId) commandLine(item);
    if (item.status !== 'declined') output(item.output);
    const ended =
      item.exitCode === undefined
        ? item.status === 'declined'
          ? 'not run'
          : item.status
        : `exit code ${item.exitCode}`;
    const time = item.durationMs === undefined ? '' : `, ${(item.durationMs / 1000).toFixed(1)} s`;
    page.block(`${ended}${time}`, {
      mark: '  └ ',
      markStyle: 'dim',
      style: item.exitCode === 0 ? 'dim' : 'red',
    });
    lastCommand = undefined;
  }

  function output(text: string): void {
    const lines = text.replace(/\s+$/, '').split('\n');
    if (lines.length === 1 && lines[0] === '') return;
    const hidden = lines.length - headLines - tailLines;
    const printed = hidden > 1 ? [...lines.slice(0, headLines), ...lines.slice(-tailLines)] : lines;
    printed.forEach((line, index) => {
      if (hidden > 1 && index === headLines) {
        page.block(`… ${hidden} lines …`, { mark: bar, gutter: bar, style: 'dim', markStyle: 'dim' });
      }
      page.block(line, { mark: bar, gutter: bar, style: 'dim', markStyle: 'dim' });
    });
  }

  function fileChanges(
    changes: readonly FileChange[],
    { note, withDiff }: { readonly note: string; readonly withDiff: boolean },
  ): void {
    for (const change of changes) {
      page.blank();
      const moved = change.movedTo === undefined ? '' : ` → ${relative(change.movedTo)}`;
      page.block(`${verbs[change.kind]} ${relative(change.path)}${moved}${note}`, {
        mark: '± ',
        style: 'cyan',
        markStyle: 'cyan',
      });
      if (withDiff) diff(change);
    }
    lastCommand = undefined;
  }

  function diff({ kind, diff: text }: FileChange): void {
    const sign = kind === 'add' ? '+' : kind === 'delete' ? '-' : '';
    for (const line of text.replace(/\n$/, '').split('\n')) {
      const whole = `${sign}${line}`;
      page.block(whole, { mark: bar, gutter: bar, style: diffStyle(whole), markStyle: 'dim' });
    }
  }

  function showApproval({ itemId, reason, subject }: ApprovalRequest): void {
    const heading = (text: string): void =>
      page.block(text, { mark: '? ', style: 'yellow', markStyle: 'yellow' });
    const line = (text: string, style?: Style): void =>
      page.block(text, { mark: bar, gutter: bar, markStyle: 'yellow', style });
    if (subject.type === 'command') {
      if (lastCommand === undefined || lastCommand !== itemId) {
        page.blank();
        page.block(shellCommand(subject.command), { mark: '$ ', style: 'cyan', markStyle: 'cyan' });
        lastCommand = itemId;
      }
      heading(`Codex asks to run this in ${relative(subject.cwd)}`);
    } else if (subject.type === 'file-change') {
      fileChanges(subject.changes, { note: '', withDiff: true });
      if (itemId !== undefined) askedChanges.add(itemId);
      heading(
        subject.grantRoot === undefined
          ? 'Codex asks to make this change'
          : `Codex asks to make this change, and others in ${relative(subject.grantRoot)}`,
      );
    } else {
      page.blank();
      heading('Codex asks for more access');
      if (subject.network) line('the network');
      for (const path of subject.read) line(`to read ${path}`);
      for (const path of subject.write) line(`to write ${path}`);
    }
    if (reason !== undefined) line(`It says: ${reason}`);
    if (subject.type === 'command' && whatYesOpens !== undefined) line(whatYesOpens);
  }

  function relative(path: string): string {
    if (path === workdir) return 'the folder of the sample';
    return path.startsWith(`${workdir}/`) ? path.slice(workdir.length + 1) : path;
  }

  return { show, showApproval, note: (text) => page.block(text, { mark: '  ', style: 'dim' }) };
}

const verbs: Readonly<Record<FileChange['kind'], string>> = {
  add: 'adds',
  delete: 'deletes',
  update: 'changes',
};

function inputText(input: UserInput): string {
  return input.type === 'text' ? input.text : `[${input.type}]`;
}

function diffStyle(line: string): Style | undefined {
  if (line.startsWith('+')) return 'green';
  if (line.startsWith('-')) return 'red';
  return line.startsWith('@@') ? 'cyan' : 'dim';
}
