export {
  createMemorySeedStore,
  type MemorySeedStore,
  type MemorySeedStoreOptions,
  type StoreOperation,
} from './memory-seed-store.ts';
export {
  type SeedStoreContractCase,
  type SeedStoreContractOptions,
  seedStoreContract,
} from './seed-store-contract.ts';
export { type TestCredential, testCredential, testCredentialKind, testManifest } from './test-credential.ts';
