import type { BlobStore } from '../../blob-store.ts';
import { contentCases } from './content-cases.ts';
import type { CaseDefinition } from './contract-case.ts';
import { interruptionCases } from './interruption-cases.ts';
import { namingCases } from './naming-cases.ts';

/** An empty store that nobody else uses, and its end. */
export interface ContractStore extends AsyncDisposable {
  readonly store: BlobStore;
}

export interface BlobStoreContractOptions {
  /** One for each case, which disposes of it. */
  readonly create: () => Promise<ContractStore> | ContractStore;
}

export interface ContractCase {
  readonly name: string;
  /** Rejects with what is wrong. Takes seconds at the most. */
  run(): Promise<void>;
}

const ALL_CASES: readonly CaseDefinition[] = [...contentCases, ...namingCases, ...interruptionCases];

/**
 * What every `BlobStore` promises, as cases for any test runner.
 *
 * ```ts
 * for (const { name, run } of blobStoreContract({ create })) it(name, run, 30_000);
 * ```
 */
export function blobStoreContract({ create }: BlobStoreContractOptions): readonly ContractCase[] {
  return ALL_CASES.map(({ name, check }) => ({
    name,
    async run() {
      await using subject = await create();
      await check(subject.store);
    },
  }));
}
