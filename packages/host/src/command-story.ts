import type { Command, ProcessExit } from './process.ts';

const MAX_COMMAND_CHARACTERS = 300;
const MAX_TAIL_CHARACTERS = 2_000;
const PLAIN_WORD = /^[\w@%+=:,./-]+$/;

/** A command for people to read, cut where it is long. Never its environment. */
export function describeCommand(command: Command): string {
  const words = command.argv.map((word) => (PLAIN_WORD.test(word) ? word : JSON.stringify(word))).join(' ');
  return words.length > MAX_COMMAND_CHARACTERS ? `${words.slice(0, MAX_COMMAND_CHARACTERS)}…` : words;
}

/** How a process ended, as the predicate of a sentence. */
export function describeExit(exit: ProcessExit): string {
  if (exit.kind === 'exited') return `exited with code ${exit.code}`;
  if (exit.kind === 'signaled') return `was ended by ${exit.name}`;
  return `was lost (${exit.cause.message}): it may still run, or have done its work`;
}

/** The end of what a command printed, to follow the sentence that says how it ended. */
export function outputTail(output: string): string {
  const text = output.trimEnd();
  if (text === '') return ' and printed nothing.';
  const tail = text.length > MAX_TAIL_CHARACTERS ? `…${text.slice(-MAX_TAIL_CHARACTERS)}` : text;
  return `; it printed:\n${tail}`;
}
