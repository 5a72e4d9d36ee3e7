import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';

/** The folders and the config of one task for another one, and nothing that Codex made itself. */
export async function copyConfig(from: string, to: string): Promise<void> {
  for (const folder of ['.codex', '.cache', '.config', '.local/share', '.local/state', 'tmp'])
    await mkdir(join(to, 'home', folder), { recursive: true });
  await cp(join(from, 'home/.codex/config.toml'), join(to, 'home/.codex/config.toml'));
}
