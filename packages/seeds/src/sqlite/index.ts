export { openSqliteSeedStore, type SqliteSeedStoreOptions } from './sqlite-seed-store.ts';
