export {
  type BlobStoreContractOptions,
  blobStoreContract,
  type ContractCase,
  type ContractStore,
} from './contract/blob-store-contract.ts';
export {
  createMemoryBlobStore,
  type MemoryBlobOperation,
  type MemoryBlobStore,
  type MemoryBlobStoreOptions,
} from './memory-blob-store.ts';
