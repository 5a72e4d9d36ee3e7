export { createGridFsBlobStore, type GridFsBlobStoreOptions } from './gridfs-blob-store.ts';
export { ensureIndexes, type IndexOptions } from './gridfs-layout.ts';
