import type { AnyAuthMethod, NextAuthHandler } from 'ssh2';
import { HostError } from '../../host-error.ts';
import { refusalOfUserKey } from '../connection/algorithms.ts';
import { type ConnectAttempt, untilAborted } from '../connection/connect-attempt.ts';
import { said } from '../connection/connection-failure.ts';
import type { OfferedAlgorithms } from '../connection/offered-algorithms.ts';
import type { SshAuthentication, SshLogin } from './authentication.ts';
import {
  type HostAnswer,
  type LoginTalk,
  type LoginTrial,
  type LoginWay,
  UnusableLogin,
} from './login-way.ts';
import { passwordWay } from './password-login.ts';
import { agentWay, keyWay, noMethod } from './public-key-login.ts';
import { questionsWay } from './questions-login.ts';

/** How a user logs in to one destination, with what it remembers from connection to connection. */
export interface LoginPlan {
  /**
   * @throws {HostError} `permission-denied` when no way can be used.
   */
  prepare(attempt: ConnectAttempt): Promise<PreparedLogin>;
}

/** A login whose keys are loaded and whose agents have answered. */
export interface PreparedLogin {
  start(giveUp: (failure: HostError) => void): Login;
}

/** The login on one connection. */
export interface Login {
  /** ssh2's `authHandler`: asked for what to try next. */
  next(methods: readonly string[] | null, partial: boolean | null, proceed: NextAuthHandler): void;
  /** Why it failed; `end` is what the host said at last. */
  refusal(end?: string): HostError;
  succeeded(): void;
  /** Lets go of what is out; harmless after `succeeded`. */
  over(): void;
}

export interface LoginTarget {
  readonly user: string;
  readonly label: string;
  readonly auth: SshAuthentication;
  readonly algorithms: OfferedAlgorithms;
}

interface ReadyWay extends LoginWay {
  readonly trial: LoginTrial;
}

export function createLoginPlan(target: LoginTarget): LoginPlan {
  const ways = listed(target.auth).map(wayOf);
  return {
    async prepare(attempt) {
      const story: string[] = [];
      const ready: ReadyWay[] = [];
      let cause: unknown;
      for (const way of ways) {
        attempt.at(`waiting for ${way.name}`);
        try {
          ready.push({ ...way, trial: await untilAborted(attempt.signal, () => way.prepare(attempt)) });
        } catch (failure) {
          if (!(failure instanceof UnusableLogin)) throw failure;
          // Something here stood in the way, see `isUnaskedLogin`. Otherwise it says itself that it is of no use.
          if (failure.cause !== undefined) cause ??= failure;
          story.push(`${way.name}: ${failure.message}`);
        }
      }
      if (ready.length === 0) throw nothingToTry(target, story, cause);
      return { start: (giveUp) => startLogin({ target, attempt, ready, story, giveUp }) };
    },
  };
}

function listed(auth: SshAuthentication): readonly SshLogin[] {
  return isList(auth) ? auth : [auth];
}

function isList(auth: SshAuthentication): auth is readonly SshLogin[] {
  return Array.isArray(auth);
}

function wayOf(login: SshLogin): LoginWay {
  if ('agent' in login) return agentWay(login);
  if ('password' in login) return passwordWay(login);
  if ('keyboardInteractive' in login) return questionsWay(login);
  return keyWay(login);
}

/** Whether the host was not asked at all, for a reason on this machine that may pass: an agent that is just being restarted, a file that cannot be read. */
export function isUnaskedLogin(failure: unknown): boolean {
  return failure instanceof HostError && failure.cause instanceof UnusableLogin;
}

function nothingToTry({ label }: LoginTarget, story: readonly string[], cause: unknown): HostError {
  const why = story.length === 0 ? 'no key, agent or password is named (auth)' : story.join('; ');
  return new HostError('permission-denied', `Cannot prove to ${label} who the user is: ${why}.`, { cause });
}

interface LoginStart {
  readonly target: LoginTarget;
  readonly attempt: ConnectAttempt;
  readonly ready: readonly ReadyWay[];
  readonly story: readonly string[];
  readonly giveUp: (failure: HostError) => void;
}

function startLogin({ target, attempt, ready, story: before, giveUp }: LoginStart): Login {
  const { user, label } = target;
  const ended = new AbortController();
  const story = [...before];
  let cause: unknown;
  const refusal = (end?: string): HostError => {
    const takes =
      talk.methods === undefined ? '' : ` It takes: ${said(talk.methods.join(', ')) || 'nothing'}.`;
    const tried = [...story, ...(end === undefined ? [] : [end])].join('; ');
    return new HostError('permission-denied', `${label} did not let the user in (${tried}).${takes}`, {
      cause,
    });
  };
  const talk: LoginTalk = {
    user,
    label,
    signal: AbortSignal.any([attempt.signal, ended.signal]),
    methods: undefined,
    onTrial: undefined,
    offered: new Set(),
    refusalOf: (key) => refusalOfUserKey(target.algorithms, key),
    asking: (ask) => attempt.asking(() => untilAborted(talk.signal, ask)),
    giveUp(reason, why) {
      cause ??= why;
      giveUp(refusal(reason));
    },
  };
  const trials = tryAll(talk, ready, (line, why) => {
    cause ??= why;
    story.push(line);
  });
  const end = (): void => {
    talk.onTrial = undefined;
    ended.abort();
    void trials.return(undefined).catch(() => undefined);
  };
  return {
    refusal,
    next(methods, partial, proceed) {
      if (ended.signal.aborted) return;
      const answer = { methods: methods ?? undefined, partial: partial === true };
      trials
        .next(answer)
        .then((step) => {
          if (step.done) giveUp(refusal());
          else if (!ended.signal.aborted) proceed(step.value);
        })
        .catch((failure: unknown) => giveUp(asHostError(failure, refusal)));
    },
    succeeded() {
      talk.onTrial?.accepted();
      end();
    },
    over() {
      talk.onTrial?.undecided();
      end();
    },
  };
}

function asHostError(failure: unknown, refusal: (end: string) => HostError): HostError {
  return failure instanceof HostError ? failure : refusal(`failed: ${said(failure)}`);
}

/** Each way as soon as the host takes its method: a right password may make it ask for a key, which it did not take before. */
async function* tryAll(
  talk: LoginTalk,
  ready: readonly ReadyWay[],
  tell: (line: string, cause?: unknown) => void,
): AsyncGenerator<AnyAuthMethod, void, HostAnswer> {
  const left = [...ready];
  if (ready.length > 1 || ready.some(({ asksFirst }) => asksFirst)) {
    talk.methods = (yield noMethod(talk.user)).methods;
  }
  for (;;) {
    const at = left.findIndex(({ method }) => talk.methods?.includes(method) !== false);
    const [way] = at < 0 ? [] : left.splice(at, 1);
    if (way === undefined) break;
    try {
      tell(`${way.name}: ${yield* way.trial(talk)}`);
    } catch (failure) {
      if (!(failure instanceof UnusableLogin)) throw failure;
      tell(`${way.name}: ${failure.message}`, failure.cause);
    }
  }
  for (const { name, method } of left) tell(`${name}: the host does not take that (${method})`);
}
