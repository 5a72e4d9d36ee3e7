/**
 * How the user proves who they are: one way, or several that are tried in this order as far as the host takes them.
 * A way that cannot be used (a file that is not there, an agent that does not answer) is passed over while others remain.
 */
export type SshAuthentication = SshLogin | readonly SshLogin[];

export type SshLogin = AgentLogin | KeyLogin | KeyFileLogin | PasswordLogin | QuestionsLogin;

/** The keys of an SSH agent, each in turn. */
export interface AgentLogin {
  /** The path of the agent's socket, as SSH_AUTH_SOCK has it. */
  readonly agent: string;
  /** Only the keys that stand in these files, private ones or `.pub` beside them: a host ends the connection after a few wrong keys. */
  readonly onlyKeys?: readonly string[];
  /** These first, then the others. */
  readonly firstKeys?: readonly string[];
}

/** A private key in OpenSSH's or PEM format, as text. */
export interface KeyLogin {
  readonly privateKey: string;
  /** Where the key is encrypted. Somebody who is asked is asked when the key is needed, up to three times, and once for all connections. */
  readonly passphrase?: Secret;
}

/**
 * A file with such a key, read anew for each connection. As with OpenSSH, a file of this user's that others may read or change is not used.
 * Where the public key can be had (OpenSSH's format, or a `.pub` beside the file), the passphrase is asked for only after the host has taken the key.
 */
export interface KeyFileLogin {
  readonly privateKeyFile: string;
  readonly passphrase?: Secret;
}

/**
 * A password. One that was let in is kept for further connections and, when it is refused later, asked for anew. One that was refused is never sent again,
 * so that no account gets locked: a text is spent, somebody who is asked is asked again for the next connection.
 */
export interface PasswordLogin {
  readonly password: Secret;
}

/** Answers to what the host asks: a password, a code, a new password. */
export interface QuestionsLogin {
  readonly keyboardInteractive: AnswerQuestions;
  /**
   * Whether answers that were let in are given again to the same questions on further connections, so that nobody is asked for each of them.
   * `true` by default; say `false` where they are codes that hold once.
   */
  readonly remember?: boolean;
}

/** A secret, or somebody who knows it. */
export type Secret = string | AskSecret;

/** Gives the secret, `undefined` when nobody wants to say it. A rejection counts as that, and is the cause of the error. */
export type AskSecret = (request: SecretRequest) => Promise<string | undefined>;

export interface SecretRequest {
  readonly kind: 'passphrase' | 'password';
  /** `user@host:port` of the host that it is for, which may be a jump host. It has proved who it is. */
  readonly destination: string;
  /** The file of the key that a passphrase is for. */
  readonly keyFile?: string;
  /** 1, and more after a wrong passphrase. */
  readonly attempt: number;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** Gives an answer to each prompt, `undefined` when nobody wants to. */
export type AnswerQuestions = (questions: LoginQuestions) => Promise<readonly string[] | undefined>;

/** What a host asks. All texts are the host's and may be made to deceive: show them as texts, not as markup or to a terminal as they are. */
export interface LoginQuestions {
  readonly destination: string;
  readonly name: string;
  readonly instructions: string;
  readonly prompts: readonly LoginPrompt[];
  /** Aborts when nobody waits for the answers any more. */
  readonly signal: AbortSignal;
}

export interface LoginPrompt {
  readonly text: string;
  /** Whether the answer may be seen while it is typed. */
  readonly echo: boolean;
}
