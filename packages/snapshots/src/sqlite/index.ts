export { openSqliteSnapshotIndex, type SqliteSnapshotIndex } from './sqlite-index.ts';
