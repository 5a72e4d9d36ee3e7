import type { HostPath } from './host-path.ts';
import type { Command, HostProcess, SpawnOptions } from './process.ts';
import type { FileRange, FileReading, ReadFilesOptions } from './read-files/file-reading.ts';

export interface HostPlatform {
  readonly os: 'linux' | 'darwin';
  readonly arch: 'x64' | 'arm64';
}

export type FileKind = 'file' | 'directory' | 'symlink' | 'other';

export interface FileStat {
  readonly kind: FileKind;
  /** Bytes. */
  readonly size: number;
  /** Permission bits only, for example 0o644. */
  readonly mode: number;
  /** Milliseconds since the epoch, on the host's clock. */
  readonly modifiedMs: number;
  /**
   * When the inode last changed: content, mode, owner, times, number of names. Milliseconds since the epoch, on the host's clock; set by the kernel alone, so
   * that a program which sets `modifiedMs` back changes this. A change within one tick of that clock (1 to 10 ms on Linux) may leave it as it was.
   */
  readonly changedMs: number;
  /** Device and inode: two paths with equal identity are one file. */
  readonly identity: string;
  /** Numeric id of the owner on the host. */
  readonly uid: number;
}

export interface DirEntry {
  readonly name: string;
  readonly kind: FileKind;
}

export interface ReadOptions {
  /** First byte to read. 0 by default. */
  readonly offset?: number;
  /** How many bytes at the most. To the end by default. */
  readonly length?: number;
  readonly signal?: AbortSignal;
}

export interface WriteOptions {
  /** Permission bits of the new file, exact whatever the umask. 0o644 by default, or those of the file that is replaced. */
  readonly mode?: number;
  /** Fail with `already-exists` rather than replace; decided by the host atomically. */
  readonly ifAbsent?: boolean;
  readonly signal?: AbortSignal;
}

/** Where `connect` leads: a service on the host itself. */
export type ConnectTarget =
  | { readonly port: number; readonly address?: string }
  | { readonly socket: HostPath };

/**
 * Two directions of one connection. Closing `writable` is a half-close; aborting it resets the connection, where there is such a thing (TCP on this machine);
 * disposal closes both directions at once. Cancelling `readable` drops what still comes.
 */
export interface HostConnection extends AsyncDisposable {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

/**
 * Where `listen` takes connections, on the host itself: a TCP port (a free one by default), or a Unix socket.
 * `address` is an IP address of the host, 127.0.0.1 by default: any other than a loopback address opens the port to other machines, `0.0.0.0` and `::`
 * to all that reach the host.
 */
export type ListenPlace =
  | { readonly port?: number; readonly address?: string }
  | { readonly socket: HostPath };

/**
 * Takes connections on a host. Every process there can connect to a loopback port, an agent's commands included, and every process of the user to a socket:
 * whoever serves them has to ask for a secret, to bound what it waits for, and to bear that nothing comes.
 *
 * Disposal ends it, and closes every connection that came through it.
 */
export interface HostListener extends AsyncDisposable {
  /** Where it is reached on the host, with the port that was chosen. */
  readonly target: ConnectTarget;
  /**
   * Each connection once, whoever reads. Nothing is read from one that has not been taken; of those that wait to be, 1,024 are kept and more turned away.
   * Ends with the listener's disposal. Fails with the reason of `signal` when the listener ended by itself.
   */
  readonly connections: AsyncIterable<HostConnection>;
  /** Aborts when nothing is taken any more, with the `HostError` as its reason: `host-lost`, or why listening could not be resumed; `aborted` after disposal. */
  readonly signal: AbortSignal;
}

export type FileBody = ReadableStream<Uint8Array> | Uint8Array | string;

/**
 * The files of a host. Functions that need no more than files ask for this, so that a narrowed view (`confine`) can be handed to them.
 * Every method rejects with a `HostError`.
 */
export interface HostFiles {
  /**
   * Streams a regular file; a device, pipe or socket is refused with `unsupported`, as it may never end.
   * @throws `not-found`, `is-a-directory`, `permission-denied`. A failure after the first byte errors the stream.
   */
  readFile(path: HostPath, options?: ReadOptions): Promise<ReadableStream<Uint8Array>>;
  /**
   * Writes to a temporary file beside `path` and renames it: a reader sees the old content or the new, never a part.
   * A failure or abort leaves neither a changed nor a temporary file.
   */
  writeFile(path: HostPath, body: FileBody, options?: WriteOptions): Promise<void>;
  /** Of the path itself: a symbolic link is not followed unless asked to. `undefined` when there is nothing. */
  stat(path: HostPath, options?: { readonly followLinks?: boolean }): Promise<FileStat | undefined>;
  /** The entries of one folder, in no order. */
  list(path: HostPath): AsyncIterable<DirEntry>;
  /** Creates a folder and its parents; no error when it is there. `mode` applies to the last folder if it is created. */
  makeDirectory(path: HostPath, options?: { readonly mode?: number }): Promise<void>;
  /** Removes a file, link or (with `recursive`) a tree; links inside are removed, not followed, and write-protected folders opened. No error when there is nothing. */
  remove(path: HostPath, options?: { readonly recursive?: boolean }): Promise<void>;
  /**
   * Atomic; replaces a file or an empty folder, and moves a folder with all that is in it.
   *
   * @throws `cross-device` to another file system, `busy` for what something is mounted on, `directory-not-empty`, `is-a-directory`, `not-a-directory`.
   */
  rename(from: HostPath, to: HostPath): Promise<void>;
  /** Creates a symbolic link at `path` that says `target`, verbatim; with `hard`, a hard link to the file `target`. @throws `already-exists`. */
  link(path: HostPath, target: string, options?: { readonly hard?: boolean }): Promise<void>;
  /** The target that a symbolic link says, verbatim. */
  readLink(path: HostPath): Promise<string>;
  /** A link is followed. */
  setMode(path: HostPath, mode: number): Promise<void>;
  /**
   * Sets when the path itself (a link is not followed) was last modified, in milliseconds since the epoch; exact to the microsecond, or rounded down to the
   * second where a host's tools can do no better (BusyBox).
   */
  setModified(path: HostPath, modifiedMs: number): Promise<void>;
  /**
   * Follows every link on the host and gives the path that is really meant; the last segment need not exist.
   * With `within`, a path that ends up outside of that folder is refused with `outside-root`.
   */
  canonicalize(path: HostPath, options?: { readonly within?: HostPath }): Promise<HostPath>;
  /**
   * One item at the start, then one after changes of the file, or of the folder's entries; several changes may be one item.
   * The file need not exist yet and may be replaced by rename. Ends with the signal.
   */
  watch(path: HostPath, options: { readonly signal: AbortSignal }): AsyncIterable<void>;
}

/**
 * A machine that runs tasks. Nothing above this interface knows whether it is this machine or another:
 * it shares neither disk nor environment, home, user or clock with the program.
 *
 * Every method rejects with a `HostError`. File names are POSIX; see {@link HostPath} for names that are not UTF-8.
 */
export interface Host extends HostFiles, AsyncDisposable {
  /**
   * A name for people and records, without secrets: `deploy@build-7:22`, or `local:<name of the machine>`, which several controllers that share a store
   * need to tell their own machines apart.
   */
  readonly label: string;
  readonly platform: HostPlatform;
  /** The home of the user that processes run as. */
  readonly home: HostPath;
  /** Numeric id of that user; 0 is root. */
  readonly uid: number;
  /** The host's own folder for temporary files. */
  readonly tmp: HostPath;
  /** What a child inherits: a safe list (PATH, HOME, LANG, …), never a variable whose name looks like a credential's. */
  readonly env: Readonly<Record<string, string>>;
  /** Aborts when the host is gone for good, with the `HostError` as its reason. */
  readonly signal: AbortSignal;

  /**
   * Starts a process in a group of its own.
   * @throws `invalid-command`, `command-not-found`, `command-not-executable`, `not-found` (the cwd), `aborted`, `host-lost`.
   */
  spawn(command: Command, options?: SpawnOptions): Promise<HostProcess>;

  /** How this host reads many files itself, where it has a faster way than a command; call it through `readFiles`, which has checked what is asked for. */
  readFiles?(
    root: HostPath,
    files: AsyncIterable<FileRange>,
    options?: ReadFilesOptions,
  ): AsyncIterable<FileReading>;

  /** A stream to a service on the host. `signal` stops the connecting. @throws `not-found` when nothing listens there. */
  connect(target: ConnectTarget, options?: { readonly signal?: AbortSignal }): Promise<HostConnection>;

  /**
   * Listens on the host, and leads the connections here. `signal` stops the opening.
   * A Unix socket is its user's alone (mode 0600) and removed at the end; one that nobody listens on any more, as a crash leaves it, is replaced.
   * @throws `already-exists` when the place is taken, `permission-denied` when the host does not allow it, `unsupported` when it cannot keep to the
   * address, `not-found` (the folder), `invalid-path` (a socket's path is too long).
   */
  listen(place: ListenPlace, options?: { readonly signal?: AbortSignal }): Promise<HostListener>;
}
