/** What a check of the sandbox was about. `command` is whether a command runs under it at all. */
export type SandboxCheckSubject =
  | 'command'
  | 'workdir-write'
  | 'granted-write'
  | 'outside-write'
  | 'protected-write'
  | 'folder-rename'
  | 'secret-read'
  | 'denied-read'
  | 'network';

export interface SandboxCheck {
  readonly subject: SandboxCheckSubject;
  /** The path, or the kind of connection, that was tried. */
  readonly target: string;
  readonly expected: 'allowed' | 'denied';
  /** `not-checkable`: nothing on the host could try it, so that nothing is known. Never a pass. */
  readonly observed: 'allowed' | 'denied' | 'not-checkable';
  /** What was seen, in words. Holds no file's content. */
  readonly evidence: string;
}

/** What was tried under a policy, and what happened. Plain data, kept with the session. */
export interface SandboxReport {
  readonly confinedBy: 'codex' | 'external' | 'nobody';
  readonly codexVersion: string;
  /** `held`: every check came out as expected. `incomplete`: none came out otherwise, but some could not be made. */
  readonly verdict: 'held' | 'incomplete' | 'violated';
  readonly checks: readonly SandboxCheck[];
}
