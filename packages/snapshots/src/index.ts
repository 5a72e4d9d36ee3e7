export type { ChangeOfEntry, SnapshotDiff } from './care/diff.ts';
export type { PruneReport } from './care/prune.ts';
export type { ResealReport } from './care/reseal.ts';
export type { VerifyReport } from './care/verify.ts';
export { createSnapshots } from './create-snapshots.ts';
export { DEFAULT_EXCLUDE } from './default-exclude.ts';
export type {
  DirectoryEntry,
  FileEntry,
  HardLinkEntry,
  Json,
  LeftOut,
  LeftOutReason,
  LinkEntry,
  RecordEntry,
  SnapshotEntry,
} from './manifest/manifest.ts';
export {
  type RestoreArchiveOptions,
  type RestoredArchive,
  restoreArchive,
} from './restore/restore-archive.ts';
export type { RestoreProgress } from './restore/restore-folder.ts';
export { type Settled, settleRestore } from './restore/settle-restore.ts';
export { refuseLostPaths } from './save/check-exclude.ts';
export type { Follows } from './save/follows.ts';
export type { RecordBody } from './save/keep-records.ts';
export type { SaveProgress } from './save/save-progress.ts';
export { SnapshotError, type SnapshotErrorCode } from './snapshot-error.ts';
export type { SnapshotIndex } from './snapshot-index.ts';
export type {
  SavedSnapshot,
  SaveSnapshotOptions,
  ShownSnapshot,
  Snapshots,
  SnapshotsOptions,
} from './snapshots.ts';
export type { EndState, PackUse, SnapshotRow, TaskHead } from './task-head.ts';
