/** Name, e-mail and plan of an account, as far as the credential says them. Nothing else of what it claims is ever kept. */
export interface AccountSummary {
  readonly name?: string;
  readonly email?: string;
  readonly plan?: string;
}

/** What one credential says about itself, without its secrets. */
export interface Credential {
  readonly state: 'logged-in';
  /** Whose it is, in the provider's own terms. Equal ids are one account. */
  readonly account?: string;
  /**
   * Fingerprint of what is spent when the credential is refreshed: a hash of the refresh token or key, never the token. Equal fingerprints are one token.
   * 16 to 128 characters.
   */
  readonly generation: string;
  /** When the provider last gave out tokens, as the credential says it: the writer's clock, good for telling older from newer of one writer only. */
  readonly refreshedAtMs?: number;
  /** When what is used without a refresh runs out. */
  readonly expiresAtMs?: number;
  readonly summary?: AccountSummary;
  /** Whether a refresh replaces it. A key does not rotate. */
  readonly rotates: boolean;
}

export type CredentialReading =
  | Credential
  | { readonly state: 'logged-out' }
  /** Half-written, or no credential. `reason` holds nothing of the content. */
  | { readonly state: 'unreadable'; readonly reason: string };

/** How an agent keeps its login. Pure: nothing here does I/O. Given by the package of that agent. */
export interface CredentialKind {
  /** `codex auth.json`; for messages. */
  readonly name: string;
  /** Never throws, whatever the bytes. */
  read(bytes: Uint8Array): CredentialReading;
  /**
   * Whether `next` may be what became of `previous`: the same account and way of logging in. Times are not its affair: lineage counts more than clocks.
   * It is asked only of credentials with different bytes; generations need not be compared.
   */
  succeeds(previous: Credential, next: Credential): boolean;
}
