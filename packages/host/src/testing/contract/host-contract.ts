import { randomUUID } from 'node:crypto';
import type { Host } from '../../host.ts';
import { joinHostPath } from '../../host-path.ts';
import { archiveCases } from './archive-cases.ts';
import { commandCases } from './command-cases.ts';
import { confinementCases } from './confinement-cases.ts';
import { connectionCases } from './connection-cases.ts';
import type { CaseDefinition, HostCapabilities } from './contract-case.ts';
import { endingCases } from './ending-cases.ts';
import { fileContentCases } from './file-content-cases.ts';
import { fileTreeCases } from './file-tree-cases.ts';
import { hashFilesCases } from './hash-files-cases.ts';
import { hostileArchiveCases } from './hostile-archive-cases.ts';
import { hostileNameCases } from './hostile-name-cases.ts';
import { leftBehindCases } from './left-behind-cases.ts';
import { listeningCases } from './listening-cases.ts';
import { longPathCases } from './long-path-cases.ts';
import { optionCases } from './option-cases.ts';
import { outputCases } from './output-cases.ts';
import { readFilesCases } from './read-files-cases.ts';
import { reuseCases } from './reuse-cases.ts';
import { terminalCases } from './terminal-cases.ts';
import { walkCases } from './walk-cases.ts';
import { watchCases } from './watch-cases.ts';

export interface HostContractOptions {
  /** A host of its own for each case; the case disposes of it. */
  readonly create: () => Promise<Host> | Host;
  readonly capabilities: HostCapabilities;
}

export interface ContractCase {
  readonly name: string;
  /** Rejects with what is wrong. Takes seconds at the most. */
  run(): Promise<void>;
}

const ALL_CASES: readonly CaseDefinition[] = [
  ...commandCases,
  ...outputCases,
  ...endingCases,
  ...leftBehindCases,
  ...terminalCases,
  ...fileContentCases,
  ...fileTreeCases,
  ...hostileNameCases,
  ...longPathCases,
  ...confinementCases,
  ...watchCases,
  ...walkCases,
  ...readFilesCases,
  ...hashFilesCases,
  ...connectionCases,
  ...listeningCases,
  ...archiveCases,
  ...hostileArchiveCases,
  ...reuseCases,
  ...optionCases,
];

/**
 * What every `Host` promises, as cases for any test runner. Those that need a capability which the host does not have are left out.
 *
 * ```ts
 * for (const { name, run } of hostContract({ create, capabilities })) it(name, run, 30_000);
 * ```
 */
export function hostContract(options: HostContractOptions): readonly ContractCase[] {
  return ALL_CASES.filter(({ needs = [] }) => needs.every((need) => options.capabilities[need])).map(
    (definition) => ({ name: definition.name, run: () => runCase(definition, options) }),
  );
}

async function runCase(
  definition: CaseDefinition,
  { create, capabilities }: HostContractOptions,
): Promise<void> {
  await using host = await create();
  const folder = joinHostPath(host.tmp, `seedbed-contract-${randomUUID()}`);
  await host.makeDirectory(folder, { mode: 0o700 });
  try {
    await definition.check({ host, folder, capabilities });
  } finally {
    await host.remove(folder, { recursive: true });
  }
}
