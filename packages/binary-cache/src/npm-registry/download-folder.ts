import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

const archive = /^[0-9a-f]{128}\.tgz$/;
const partial = /^[0-9a-f]{128}\.[0-9a-f-]{36}\.part$/;
const partialMs = 24 * 60 * 60 * 1000;

/** Removes archives that were not used for `retainMs` and partial downloads that nobody took up for a day; nothing else. */
export async function sweepDownloads(directory: string, retainMs: number): Promise<void> {
  for (const name of await readdir(directory).catch(() => [])) {
    const maxAgeMs = archive.test(name) ? retainMs : partial.test(name) ? partialMs : undefined;
    if (maxAgeMs === undefined) continue;
    const path = join(directory, name);
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > maxAgeMs) await rm(path, { force: true });
  }
}
