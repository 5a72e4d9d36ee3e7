/**
 * What can go wrong between a program and a host.
 *
 * - `invalid-path`: not an absolute path, or one that no file can have.
 * - `not-found`, `already-exists`, `permission-denied`, `not-a-directory`, `is-a-directory`, `directory-not-empty`, `no-space`, `read-only`,
 *   `too-many-links`: what the host's file system answered; `permission-denied` also: an SSH host did not let the user in, or nothing that
 *   would prove who they are can be used.
 * - `busy`: something is mounted there, which can be neither moved nor replaced; `cross-device`: a rename would lead to another file system.
 * - `outside-root`: the path leaves the folder that it was to stay in, through `..` or a symbolic link.
 * - `limit-exceeded`: a bound that the caller gave (depth, entries, bytes) was reached.
 * - `invalid-command`: no host can start it: no program, a NUL byte, an impossible variable name, too long.
 * - `invalid-config`: an option cannot be what it is: an address, a fingerprint, a time that is none, a file below `~`; or a line of an ssh_config file.
 * - `command-not-found`, `command-not-executable`: a process could not be started at all.
 * - `command-failed`: `run` was told to expect success and the command ended otherwise.
 * - `timeout`: a deadline passed.
 * - `aborted`: the caller's signal fired.
 * - `host-lost`: the connection to the host is gone; what was under way may or may not have happened.
 * - `host-key-unknown`: a host shows a key of which nothing is known; the message has its fingerprint and how to accept it.
 * - `host-key-changed`: a host shows another key than the one that is known, or a revoked one: somebody may pose as it.
 * - `unsupported`: this host cannot do it (for example a PTY without its optional dependency).
 * - `invalid-archive`: a packed directory is damaged or holds an entry that must not be unpacked.
 * - `io`: any other failure of the host's operating system; `cause` has it.
 */
export type HostErrorCode =
  | 'invalid-path'
  | 'not-found'
  | 'already-exists'
  | 'permission-denied'
  | 'not-a-directory'
  | 'is-a-directory'
  | 'directory-not-empty'
  | 'no-space'
  | 'read-only'
  | 'too-many-links'
  | 'busy'
  | 'cross-device'
  | 'outside-root'
  | 'limit-exceeded'
  | 'invalid-command'
  | 'invalid-config'
  | 'command-not-found'
  | 'command-not-executable'
  | 'command-failed'
  | 'timeout'
  | 'aborted'
  | 'host-lost'
  | 'host-key-unknown'
  | 'host-key-changed'
  | 'unsupported'
  | 'invalid-archive'
  | 'io';

/** The one error class of this package. The message says what was tried, what happened and, where known, what to do. */
export class HostError extends Error {
  override readonly name = 'HostError';
  readonly code: HostErrorCode;

  constructor(code: HostErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
