import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { workspaceFolders } from '@seedbed/bootstrap/workspace';

/** The root of the checkout. */
export const ROOT: string = resolve(import.meta.dirname, '../../..');

export interface WorkspacePackage {
  /** Relative to the root: `packages/host`. */
  readonly folder: string;
  readonly name: string;
}

/** Every package of the workspace. */
export function workspacePackages(root: string): readonly WorkspacePackage[] {
  return workspaceFolders(root).map((folder) => ({ folder, name: packageName(join(root, folder)) }));
}

function packageName(folder: string): string {
  const manifest: { name?: unknown } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return String(manifest.name);
}

/**
 * The packages that a person means by these words: a package's name, with or without its scope, or its folder.
 *
 * @throws {UnknownPackage} for a word that means none.
 */
export function selectPackages(
  packages: readonly WorkspacePackage[],
  words: readonly string[],
): readonly WorkspacePackage[] {
  return words.map((word) => {
    const found = packages.find(
      ({ name, folder }) =>
        name === word || name.split('/').at(-1) === word || folder === word.replace(/\/$/, ''),
    );
    if (found === undefined) throw new UnknownPackage(word, packages);
    return found;
  });
}

export class UnknownPackage extends Error {
  override readonly name = 'UnknownPackage';

  constructor(word: string, packages: readonly WorkspacePackage[]) {
    const known = packages.map(({ name }) => name.replace('@seedbed/', '')).join(', ');
    super(
      `There is no package ${JSON.stringify(word)}. There are: ${known}. To run one test file: cd into its package, then "pnpm test FILE".`,
    );
  }
}
