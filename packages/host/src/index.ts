export {
  CREDENTIAL_NAME_GLOBS,
  type Environment,
  isCredentialName,
  SAFE_ENVIRONMENT_NAMES,
  safeEnvironment,
  scrubEnvironment,
} from './environment.ts';
export type {
  ConnectTarget,
  DirEntry,
  FileBody,
  FileKind,
  FileStat,
  Host,
  HostConnection,
  HostPlatform,
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
