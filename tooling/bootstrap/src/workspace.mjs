import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Where workspace packages lie; pnpm-workspace.yaml says the same. */
export const WORKSPACE_FOLDERS = ['packages', 'apps', 'examples', 'tooling'];

/**
 * The folder of every workspace package, relative to the root of the checkout, in an order that is always the same.
 *
 * @param {string} root
 * @returns {string[]}
 */
export function workspaceFolders(root) {
  const folders = WORKSPACE_FOLDERS.flatMap((parent) =>
    existsSync(join(root, parent))
      ? readdirSync(join(root, parent))
          .sort()
          .map((name) => join(parent, name))
      : [],
  );
  return folders.filter((folder) => existsSync(join(root, folder, 'package.json')));
}
