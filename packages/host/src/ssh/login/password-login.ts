import type { AnyAuthMethod } from 'ssh2';
import type { PasswordLogin } from './authentication.ts';
import { createKeptPassword, type KeptPassword } from './kept-password.ts';
import { askSecret, type HostAnswer, type LoginTalk, type LoginWay, UnusableLogin } from './login-way.ts';

const SPENT = 'it was refused before and is not sent again';

export function passwordWay({ password }: PasswordLogin): LoginWay {
  const kept = createKeptPassword(password);
  return {
    method: 'password',
    name: 'the password',
    asksFirst: typeof password !== 'string',
    async prepare() {
      if (kept.spent) throw new UnusableLogin(SPENT);
      return (talk) => tryPassword(talk, kept);
    },
  };
}

async function* tryPassword(
  talk: LoginTalk,
  kept: KeptPassword,
): AsyncGenerator<AnyAuthMethod, string, HostAnswer> {
  for (;;) {
    const trial = await kept.take(
      (ask) => askSecret(talk, ask, { kind: 'password', attempt: 1 }),
      talk.signal,
    );
    if (trial === 'spent') return SPENT;
    if (trial === 'unsaid') return 'nobody said one';
    talk.onTrial = trial;
    const { methods, partial } = yield { type: 'password', username: talk.user, password: trial.value };
    talk.onTrial = undefined;
    talk.methods = methods;
    if (partial) {
      trial.accepted();
      return 'accepted, but the host wants more';
    }
    trial.refused();
    // One that had been let in may have been changed since: somebody who can be asked is, at once.
    if (!trial.proven || kept.spent) return 'refused';
  }
}
