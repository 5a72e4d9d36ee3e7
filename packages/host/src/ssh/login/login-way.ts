import type { AnyAuthMethod } from 'ssh2';
import type { ConnectAttempt } from '../connection/connect-attempt.ts';
import type { SecretRequest } from './authentication.ts';

export type LoginMethod = 'publickey' | 'password' | 'keyboard-interactive';

/** One way to log in to one destination, with what it remembers from connection to connection. */
export interface LoginWay {
  readonly method: LoginMethod;
  /** How messages call it. */
  readonly name: string;
  /** Whether somebody is asked before the host has said anything: then it is heard first which methods it takes. */
  readonly asksFirst: boolean;
  /**
   * Looks whether it can be used, before anything is sent.
   *
   * @throws {UnusableLogin} with the reason.
   */
  prepare(attempt: ConnectAttempt): Promise<LoginTrial>;
}

/** Yields what is to be tried next, is told what the host answers to it, and returns how it ended. A trial that succeeds is never told. */
export type LoginTrial = (talk: LoginTalk) => AsyncGenerator<AnyAuthMethod, string, HostAnswer>;

/** A refusal, as ssh2 reports it. After a key of an agent it is that of the method before, and tells nothing. */
export interface HostAnswer {
  /** Those that may go on. `undefined` before the first answer. */
  readonly methods: readonly string[] | undefined;
  /** What was tried is right, but not enough. */
  readonly partial: boolean;
}

/** What the trials of one login share. */
export interface LoginTalk {
  readonly user: string;
  readonly label: string;
  /** Aborts when the login is over, however it ended. */
  readonly signal: AbortSignal;
  /** What the host takes now, as far as is known. */
  methods: readonly string[] | undefined;
  /** Told when the login succeeds, or is over undecided, while a trial is out. */
  onTrial: { accepted(): void; undecided(): void } | undefined;
  /** The public keys that were offered, in base64. */
  readonly offered: Set<string>;
  /** Why a key, in the format of the SSH protocol, is not to be used. */
  refusalOf(key: Uint8Array): string | undefined;
  asking<T>(ask: () => Promise<T>): Promise<T>;
  /** Ends the login as refused, for a reason that no further way would change. */
  giveUp(reason: string, cause?: unknown): void;
}

/** Why a way to log in cannot be used. Says no secret. */
export class UnusableLogin extends Error {
  override readonly name = 'UnusableLogin';
}

export type AskedSecret = Omit<SecretRequest, 'destination' | 'signal'>;

/**
 * What somebody says when they are asked, `undefined` when they don't want to.
 *
 * @throws {UnusableLogin} when asking failed.
 */
export async function askSecret(
  talk: LoginTalk,
  ask: (request: SecretRequest) => Promise<string | undefined>,
  request: AskedSecret,
): Promise<string | undefined> {
  try {
    const { label: destination, signal } = talk;
    return await talk.asking(() => ask({ ...request, destination, signal }));
  } catch (cause) {
    talk.signal.throwIfAborted();
    throw new UnusableLogin(`asking for the ${request.kind} failed`, { cause });
  }
}
