export { type DirectoryBlobStoreOptions, openDirectoryBlobStore } from './directory-blob-store.ts';
