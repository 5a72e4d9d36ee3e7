import type { AnyAuthMethod, KeyboardInteractiveCallback, Prompt } from 'ssh2';
import type { LoginPrompt, QuestionsLogin } from './authentication.ts';
import type { HostAnswer, LoginTalk, LoginWay } from './login-way.ts';
import { createTurns } from './turns.ts';

/** What a host may ask within one login. */
const MAX_ROUNDS = 20;
const MAX_PROMPTS = 20;
const MAX_TEXT = 16 * 1024;

/** What was answered, by what was asked. */
type Memory = Map<string, readonly string[]>;

export function questionsWay(login: QuestionsLogin): LoginWay {
  const memory: Memory = new Map();
  const turns = createTurns();
  return {
    method: 'keyboard-interactive',
    name: 'answers to its questions',
    asksFirst: false,
    async prepare() {
      return async function* tryAnswers(talk) {
        using _turn = await turns.take(talk.signal);
        return yield* answerQuestions(talk, login, memory);
      };
    },
  };
}

async function* answerQuestions(
  talk: LoginTalk,
  login: QuestionsLogin,
  memory: Memory,
): AsyncGenerator<AnyAuthMethod, string, HostAnswer> {
  for (;;) {
    const round = createRound(talk, login, memory);
    const keep = (): void => {
      for (const [asked, answers] of round.given) memory.set(asked, answers);
    };
    talk.onTrial = { accepted: keep, undecided: () => undefined };
    const { methods, partial } = yield {
      type: 'keyboard-interactive',
      username: talk.user,
      prompt: (name, instructions, _language, prompts, finish) =>
        void round.reply({ name, instructions, prompts }, finish),
    };
    talk.onTrial = undefined;
    talk.methods = methods;
    if (partial) {
      keep();
      return 'accepted, but the host wants more';
    }
    memory.clear();
    if (!round.repeated()) return 'refused';
    // Those that had been let in do not hold any more: whoever answers is asked, at once.
  }
}

interface Asked {
  readonly name: string;
  readonly instructions: string;
  readonly prompts: readonly Prompt[];
}

interface Round {
  readonly given: ReadonlyMap<string, readonly string[]>;
  /** Whether an answer was given that had been given on another connection. */
  repeated(): boolean;
  reply(asked: Asked, finish: KeyboardInteractiveCallback): Promise<void>;
}

function createRound(
  talk: LoginTalk,
  { keyboardInteractive, remember = true }: QuestionsLogin,
  memory: Memory,
): Round {
  const given = new Map<string, readonly string[]>();
  let rounds = 0;
  let repeated = false;

  const ask = async (
    asked: Asked,
    prompts: readonly LoginPrompt[],
  ): Promise<readonly string[] | undefined> => {
    const { name, instructions } = asked;
    const { label: destination, signal } = talk;
    return await talk.asking(() => keyboardInteractive({ destination, name, instructions, prompts, signal }));
  };
  const answersTo = async (asked: Asked): Promise<readonly string[] | undefined> => {
    const prompts = asked.prompts.map(({ prompt, echo }) => ({ text: prompt, echo: echo === true }));
    const question = JSON.stringify([asked.name, asked.instructions, prompts]);
    const before = given.has(question) ? undefined : memory.get(question);
    if (before !== undefined) repeated = true;
    const answers = before ?? (await ask(asked, prompts));
    if (answers !== undefined && remember) given.set(question, answers);
    return answers;
  };

  return {
    given,
    repeated: () => repeated,
    async reply(asked, finish) {
      rounds += 1;
      if (rounds > MAX_ROUNDS || !isBearable(asked)) {
        talk.giveUp('it asks more than anybody would answer');
        return;
      }
      try {
        const answers = await answersTo(asked);
        if (answers === undefined) talk.giveUp('nobody answered its questions');
        else if (answers.length !== asked.prompts.length) {
          talk.giveUp(`${answers.length} answers were given to its ${asked.prompts.length} questions`);
        } else finish([...answers]);
      } catch (cause) {
        talk.giveUp('answering its questions failed', cause);
      }
    },
  };
}

function isBearable({ name, instructions, prompts }: Asked): boolean {
  const size = prompts.reduce((sum, { prompt }) => sum + prompt.length, name.length + instructions.length);
  return prompts.length <= MAX_PROMPTS && size <= MAX_TEXT;
}
