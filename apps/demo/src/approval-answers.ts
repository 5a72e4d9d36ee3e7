import type { ApprovalAnswer, ApprovalDecision, ApprovalRequest } from '@seedbed/conversation-protocol';
import type { Keyboard } from './keyboard.ts';
import type { ConversationView } from './terminal/conversation-view.ts';
import type { Page } from './terminal/page.ts';

/** Decides an approval that has been shown. */
export type AnswerApproval = (approval: ApprovalRequest, signal: AbortSignal) => Promise<ApprovalDecision>;

/** For `--yes`: says what is allowed, and allows it. */
export function allowEverything(view: ConversationView): AnswerApproval {
  return async () => {
    view.note('allowed by --yes');
    return { type: 'approve' };
  };
}

interface Choice {
  readonly key: string;
  readonly word: string;
  readonly answer: ApprovalAnswer;
  readonly said: string;
}

const choices: readonly Choice[] = [
  { key: 'y', word: 'yes', answer: 'approve', said: 'allowed' },
  { key: 'n', word: 'no', answer: 'deny', said: 'not allowed' },
  { key: 'a', word: 'always', answer: 'approve-for-session', said: 'allowed, now and again' },
  { key: 'q', word: 'quit', answer: 'abort', said: 'not allowed, and the turn ends' },
];

/** Asks the person at the keyboard until the answer is one of those that make sense. No answer at all refuses, and ends the turn. */
export function askAtKeyboard(page: Page, view: ConversationView, keyboard: Keyboard): AnswerApproval {
  return async (approval, signal) => {
    const offered = choices.filter(({ answer }) => approval.answers.includes(answer));
    // At the beginning of the line, where no text of others ever stands.
    const question = `Allow? ${offered.map(({ word }) => `[${word[0]}]${word.slice(1)}`).join(' ')}: `;
    for (;;) {
      page.question(question);
      const line = await keyboard.nextLine(signal);
      if (line === undefined) {
        page.blank();
        return { type: 'abort' };
      }
      const typed = line.trim().toLowerCase();
      const choice = offered.find(({ key, word }) => typed === key || typed === word);
      if (choice === undefined) continue;
      view.note(choice.said);
      return { type: choice.answer };
    }
  };
}
