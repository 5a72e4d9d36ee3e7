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
export { createKeyring, type KeyringOptions } from './create-keyring.ts';
export type { Keyring, SealedFrames } from './keyring.ts';
export { type SealedBlobStore, sealBlobs } from './seal-blobs.ts';
export { sealedKeyId } from './sealed-format.ts';
