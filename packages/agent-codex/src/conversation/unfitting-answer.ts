import type { QuestionAnswer, QuestionRequest } from '@seedbed/conversation-protocol';

/** Why an answer does not fit a question, or nothing when it does. */
export function unfitting({ subject }: QuestionRequest, answer: QuestionAnswer): string | undefined {
  if (answer.type === 'decline' || answer.type === 'cancel') return undefined;
  if (subject.type === 'visit') {
    return answer.type === 'content'
      ? undefined
      : 'A request to visit an address is answered with content, decline or cancel.';
  }
  if (subject.type === 'form')
    return answer.type === 'content' ? undefined : 'A form is answered with content.';
  if (answer.type !== 'answers') return 'Questions are answered with answers.';
  const unknown = Object.keys(answer.answers).find((id) => !subject.questions.some((one) => one.id === id));
  return unknown === undefined ? undefined : `There is no question ${JSON.stringify(unknown)}.`;
}
