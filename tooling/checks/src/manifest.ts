import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, workspacePackages } from '@seedbed/tasks/workspace';

/** What the checks look at in a package.json. */
export interface Manifest {
  readonly name: string;
  readonly description?: string;
  readonly license?: string;
  readonly exports?: Readonly<Record<string, string>>;
  readonly publishConfig?: { readonly access?: string; readonly exports?: unknown };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

export interface CheckedPackage {
  /** Absolute. */
  readonly folder: string;
  /** `packages`, `apps`, `examples` or `tooling`. */
  readonly parent: string;
  readonly name: string;
  readonly manifest: Manifest;
}

export const allPackages: readonly CheckedPackage[] = workspacePackages(ROOT).map(({ folder, name }) => ({
  folder: join(ROOT, folder),
  parent: folder.split('/')[0] ?? '',
  name,
  manifest: readManifest(join(ROOT, folder)),
}));

/** Those that are published. */
export const publicPackages: readonly CheckedPackage[] = allPackages.filter(
  ({ parent }) => parent === 'packages',
);

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}
