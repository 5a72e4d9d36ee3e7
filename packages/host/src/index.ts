export type { ArchiveLimits } from './archive/archive-guard.ts';
export { packDirectory } from './archive/pack-directory.ts';
export { type ArchiveEntry, packEntries } from './archive/pack-entries.ts';
export type { PackOptions, SkipReason } from './archive/pack-options.ts';
export type { ReusedFiles } from './archive/reuse-files.ts';
export { type Unpacked, type UnpackOptions, unpackDirectory } from './archive/unpack-directory.ts';
export { confine } from './confine.ts';
export {
  CREDENTIAL_NAME_GLOBS,
  type Environment,
  isCredentialName,
  SAFE_ENVIRONMENT_NAMES,
  safeEnvironment,
  scrubEnvironment,
} from './environment.ts';
export { createExclude } from './exclude.ts';
export { type Forward, type ForwardOptions, forward, type SocketForward } from './forward.ts';
export { type FileHash, type HashFilesOptions, type HashRange, hashFiles } from './hash-files.ts';
export type {
  ConnectTarget,
  DirEntry,
  FileBody,
  FileKind,
  FileStat,
  Host,
  HostConnection,
  HostFiles,
  HostListener,
  HostPlatform,
  ListenPlace,
  ReadOptions,
  WriteOptions,
} from './host.ts';
export { HostError, type HostErrorCode } from './host-error.ts';
export {
  type HostPath,
  hostPath,
  hostPathName,
  joinHostPath,
  parentHostPath,
  relativeHostPath,
} from './host-path.ts';
export type { Command, EndOptions, HostProcess, ProcessExit, PtySize, SpawnOptions } from './process.ts';
export {
  type FileRange,
  type FileReading,
  type ReadFilesOptions,
  type ReadStatus,
  readFiles,
} from './read-files.ts';
export { type ReadTextOptions, readText } from './read-text.ts';
export {
  type NearTarget,
  type RemoteForward,
  type RemoteForwardOptions,
  remoteForward,
} from './remote-forward.ts';
export { type RunOptions, type RunResult, run } from './run.ts';
export { type TailChunk, type TailOptions, tail } from './tail.ts';
export { type WalkEntry, type WalkOptions, walk } from './walk.ts';
