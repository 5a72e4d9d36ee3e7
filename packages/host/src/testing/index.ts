export type { HostCapabilities } from './contract/contract-case.ts';
export { type ContractCase, type HostContractOptions, hostContract } from './contract/host-contract.ts';
export { type LinkDirection, type LinkProxy, type LinkProxyOptions, openLinkProxy } from './link-proxy.ts';
export { environmentOf, type LivingProcess, processesWithEnvironment } from './living-processes.ts';
export {
  createMemoryHost,
  type MemoryHost,
  type MemoryHostOptions,
} from './memory/memory-host.ts';
export type { MemoryProgram, MemoryProgramContext } from './memory/memory-program.ts';
export type { MemoryService } from './memory/memory-services.ts';
export { standardPrograms } from './memory/standard-programs.ts';
export { findSshd, openSshd, type TestSshd, type TestSshdOptions } from './sshd.ts';
