export { type SnapshotContractOptions, snapshotIndexContract } from './index-contract.ts';
export { createMemorySnapshotIndex, type MemoryIndexOptions } from './memory-index.ts';
