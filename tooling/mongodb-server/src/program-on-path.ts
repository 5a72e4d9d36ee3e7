import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The file of a program that can be run; `undefined` when there is none. */
export function programOnPath(name: string, env: NodeJS.ProcessEnv): string | undefined {
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    // Not there, or not to be run: the same to who looks for it.
    return false;
  }
}
