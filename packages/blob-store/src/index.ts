export type {
  BlobId,
  BlobInfo,
  BlobLabels,
  BlobStore,
  ListOptions,
  OpenOptions,
  PutOptions,
  SweepReport,
} from './blob-store.ts';
export { BlobStoreError, type BlobStoreErrorCode } from './blob-store-error.ts';
export type { Keyring } from './keyring.ts';
